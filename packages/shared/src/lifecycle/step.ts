/**
 * Called at each numbered step of a procedure whose order keeps footage safe (`docs/design/durability.md`), with the
 * step's name. Production passes {@link noSteps}; the crash tests pass a hook that ends the process there.
 */
export type StepHook = (step: string) => void;

export const noSteps: StepHook = () => undefined;

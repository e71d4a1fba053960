/** Where a program of that name is on the PATH; `undefined` if it is not. */
export function findProgram(name: string): string | undefined;

/** The part of standard input that keys come from. */
export interface KeyInput {
  readonly isTTY?: boolean;
  setRawMode(raw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
  on(event: 'data', listen: (bytes: Buffer) => void): unknown;
  off(event: 'data', listen: (bytes: Buffer) => void): unknown;
}

const CTRL_C = '\u0003';

/** Listens to single keys of a terminal, Ctrl-C among them, until it is disposed of. */
export class Keys implements Disposable {
  readonly #input: KeyInput;
  readonly #listen: (bytes: Buffer) => void;

  constructor(input: KeyInput, actions: { readonly cut: () => void; readonly quit: () => void }) {
    this.#input = input;
    this.#listen = (bytes) => {
      for (const key of bytes.toString('latin1')) {
        if (key === 'c') actions.cut();
        else if (key === 'q' || key === CTRL_C) actions.quit();
      }
    };
    input.setRawMode(true);
    input.on('data', this.#listen);
    input.resume();
  }

  [Symbol.dispose](): void {
    this.#input.off('data', this.#listen);
    this.#input.setRawMode(false);
    this.#input.pause();
  }
}

import type { PictureFacts } from './picture.js';

/** Where the story is told. */
export interface Show extends Disposable {
  /** Shows the present state; called several times a second. */
  update(facts: PictureFacts): void;
  /** Leaves what is shown as it is: whatever comes next stands below. */
  rest(): void;
}

/** Where text goes. */
export interface TextStream {
  write(text: string): unknown;
}

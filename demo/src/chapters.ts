import type { EpochMs } from '@gapless/shared/time';

export const chapterNames = ['Live', 'Tunnel', 'Return', 'Whole', 'Proof'] as const;
export type ChapterName = (typeof chapterNames)[number];

/** One part of the story: ahead, told now, or told. */
export interface Chapter {
  readonly name: ChapterName;
  readonly standing: 'ahead' | 'now' | 'done';
  readonly sentence: string;
  /** When it began. */
  readonly atMs: EpochMs | undefined;
}

const AHEAD: Readonly<Record<ChapterName, string>> = {
  Live: 'two vehicles record and stream',
  Tunnel: 'one of them loses its link',
  Return: 'the link is back; only what is missing comes',
  Whole: 'the gap is closed',
  Proof: 'every frame is counted',
};

/** The parts of the story, in order, and how far it has been told. */
export class Chapters {
  #all: Chapter[] = chapterNames.map((name) => ({
    name,
    standing: 'ahead',
    sentence: AHEAD[name],
    atMs: undefined,
  }));

  get all(): readonly Chapter[] {
    return this.#all;
  }

  begin(name: ChapterName, atMs: EpochMs, sentence: string): void {
    this.#change(name, { standing: 'now', atMs, sentence });
  }

  say(name: ChapterName, sentence: string): void {
    this.#change(name, { sentence });
  }

  end(name: ChapterName, sentence: string): void {
    this.#change(name, { standing: 'done', sentence });
  }

  #change(name: ChapterName, change: Partial<Chapter>): void {
    this.#all = this.#all.map((one) => (one.name === name ? { ...one, ...change } : one));
  }
}

import type { Range } from '@gapless/shared/interval';
import { formatDuration, SECOND_MS, systemClock } from '@gapless/shared/time';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import type { CastLens } from './cast.js';
import { lenses, tunnelVehicle } from './cast.js';
import type { ChapterName } from './chapters.js';
import { Chapters } from './chapters.js';
import type { PictureFacts } from './drawing/picture.js';
import { completedBytes } from './gap.js';
import type { Healing } from './inquiry.js';
import { CAMERA_LAG_MS, inquire } from './inquiry.js';
import type { Outcome } from './outcome.js';
import type { Scene } from './scene.js';
import { SeenGaps } from './seen-gaps.js';
import type { Snapshot } from './timeline.js';
import { beginningOf, isGap, runsOf, verifiedUntil } from './timeline.js';
import { Watch } from './watch.js';

/** Proven footage of each lens before the link is cut, if nobody is in a hurry. */
const LIVE_MS: DurationMs = 9 * SECOND_MS;
const HURRIED_LIVE_MS: DurationMs = SECOND_MS;

/** Footage behind the seam that has to be proven, too, so that there is something on both sides of it. */
const BEHIND_MS: DurationMs = 2 * SECOND_MS;

/** What the story takes beside the tunnel: before it, and after it. */
const AROUND_TUNNEL_MS: DurationMs = 40 * SECOND_MS;

/** A slow machine may take this long for what takes seconds. */
const PATIENCE_MS: DurationMs = 90 * SECOND_MS;

/** How long live footage is shown at least before the link is cut. */
const SHOWN_MS: DurationMs = 8 * SECOND_MS;

export interface StoryPort {
  readonly scene: Scene;
  readonly ffmpeg: string;
  readonly tunnelMs: DurationMs;
  /** Ends the story before its end. */
  readonly stop: AbortSignal;
  /** Called whenever there is something new to show; `isOver` when nothing follows. */
  readonly onChange: (facts: Omit<PictureFacts, 'keys'> & { readonly isOver: boolean }) => void;
}

/** The story of the tunnel: makes it happen, waits for what central says of it, and finds out whether it is true. */
export class Story implements Disposable {
  readonly #port: StoryPort;
  readonly #watch: Watch;
  readonly #chapters = new Chapters();
  readonly #cuts: Range[] = [];
  readonly #startedMs: EpochMs;
  readonly #disposed = new AbortController();
  readonly #signal: AbortSignal;
  /** What central has shown since the link was cut. */
  readonly #gaps = new SeenGaps();
  /** What is shown: the story, its end, or what comes afterwards. */
  #act: 'story' | 'end' | 'afterwards' = 'story';
  /** The end is shown once: what is said after it stands below. */
  #shownEnd = false;
  /** Somebody wants to go on. */
  #hurried = false;

  constructor(port: StoryPort) {
    this.#port = port;
    this.#startedMs = port.scene.startedMs;
    this.#signal = AbortSignal.any([port.stop, this.#disposed.signal]);
    this.#watch = new Watch({
      client: port.scene.client,
      fromMs: this.#startedMs,
      fallen: () => port.scene.fallen(),
      onSnapshot: (snapshot) => {
        if (this.#act === 'story' && this.#cuts.length > 0) this.#gaps.note(snapshot);
        this.#changed();
      },
    });
  }

  /** Watches until the end; throws when something ends that should run. */
  watch(): Promise<void> {
    return this.#watch.run(this.#signal);
  }

  /** Goes on showing how things stand after the story. */
  goOn(): void {
    this.#act = 'afterwards';
  }

  [Symbol.dispose](): void {
    this.#disposed.abort();
  }

  /** Cuts the link of the tunnel vehicle or restores it; while the story is told, that is to go on with it. */
  toggleLink(): void {
    this.#hurried = true;
    if (this.#act !== 'afterwards') return;
    if (this.#link.isCut) this.#restore();
    else this.#cut();
  }

  /** Tells the story from beginning to end. */
  async tell(): Promise<Outcome> {
    await this.#live();
    const tunnel = await this.#tunnel();
    const healing = await this.#return(tunnel);
    const provenMs = await this.#whole(healing.healMs);
    return this.#proof(tunnel, healing, provenMs);
  }

  async #live(): Promise<void> {
    this.#begin('Live', 'both vehicles record, and stream to central');
    const begunMs = systemClock.nowMs();
    await this.#until('Live footage of every lens', (snapshot) => {
      const views = lenses.map(({ path }) => runsOf(snapshot, path));
      const provenMs = Math.min(...views.map(verifiedUntil)) - (beginningOf(snapshot) ?? Infinity);
      const isWhole = !views.some((runs) => runs.some(isGap));
      const hasBeenShown = this.#hurried || snapshot.atMs - begunMs >= SHOWN_MS;
      return (
        (isWhole && hasBeenShown && provenMs >= (this.#hurried ? HURRIED_LIVE_MS : LIVE_MS)) || undefined
      );
    });
    this.#end('Live', 'both vehicles record, and stream to central');
  }

  async #tunnel(): Promise<Range> {
    const { tunnelMs } = this.#port;
    const { name } = tunnelVehicle;
    const startMs = this.#cut();
    this.#hurried = false;
    this.#begin('Tunnel', this.#tunnelSentence(false, tunnelMs));
    await this.#until(
      'The end of the tunnel',
      ({ connected, atMs }) => {
        // A link that is back before anybody has missed it loses nothing: what it carried arrives after all.
        const noticed = !connected.has(name);
        const leftMs = Math.max(0, startMs + tunnelMs - atMs);
        this.#chapters.say('Tunnel', this.#tunnelSentence(noticed, leftMs));
        return (noticed && (leftMs === 0 || this.#hurried)) || undefined;
      },
      tunnelMs + PATIENCE_MS,
    );
    return { startMs, endMs: systemClock.nowMs() };
  }

  #tunnelSentence(noticed: boolean, leftMs: DurationMs): string {
    const { name } = tunnelVehicle;
    const left = leftMs === 0 ? '' : ` ${Math.ceil(leftMs / SECOND_MS)} s to go.`;
    if (noticed) return `${name} records on, out of central's sight.${left}`;
    return `the link of ${name} is dead; ${left === '' ? 'central is about to notice.' : `it records on.${left}`}`;
  }

  /** Returns how long the healing took, and what the link carried for it. */
  async #return(tunnel: Range): Promise<Healing> {
    const { client } = this.#port.scene;
    const { name } = tunnelVehicle;
    const payloadBefore = await completedBytes(client, name);
    const wireBefore = this.#link.sftpBytes;
    this.#restore();
    const restoredAtMs = systemClock.monotonicMs();
    this.#end(
      'Tunnel',
      `${name} had no link for ${formatDuration(tunnel.endMs - tunnel.startMs)}, and recorded on`,
    );
    this.#begin('Return', 'the link is back; only the missing fragments come');
    await this.#until('The healing', (snapshot) => {
      const isHealed = ({ path }: CastLens): boolean => this.#gaps.isFilled(snapshot, path, tunnel);
      return tunnelVehicle.lenses.every(isHealed) || undefined;
    });
    const healMs = Math.round(systemClock.monotonicMs() - restoredAtMs);
    const wireBytes = this.#link.sftpBytes - wireBefore;
    const payloadBytes = (await completedBytes(client, name)) - payloadBefore;
    this.#end('Return', 'the link is back; only the missing fragments came');
    return { healMs, wireBytes, payloadBytes };
  }

  /** Waits until all lenses are proven to some way behind the seam; returns up to where. */
  async #whole(healMs: DurationMs): Promise<EpochMs> {
    const after = formatDuration(healMs);
    this.#begin('Whole', `the gap is closed after ${after}, and live footage goes on`);
    const wantedMs = systemClock.nowMs() + BEHIND_MS;
    const provenMs = await this.#until('Footage behind the seam', (snapshot) => {
      const ends = lenses.map(({ path }) => verifiedUntil(runsOf(snapshot, path)));
      const untilMs = Math.min(...ends, snapshot.atMs - CAMERA_LAG_MS);
      return untilMs >= wantedMs ? untilMs : undefined;
    });
    this.#end('Whole', `the gap is closed, ${after} after the link's return`);
    return provenMs;
  }

  async #proof(tunnel: Range, healing: Healing, provenMs: EpochMs): Promise<Outcome> {
    const { scene, ffmpeg } = this.#port;
    this.#begin('Proof', 'counting every coded frame, picture and sound');
    const outcome = await inquire(scene, ffmpeg, {
      tunnel,
      healing,
      window: { startMs: this.#startedMs, endMs: provenMs },
      latest: this.#watch.latest,
      gaps: this.#gaps,
    });
    scene.keep(outcome.mp4);
    this.#act = 'end';
    const { expected, lost, doubled } = outcome.frames;
    this.#end('Proof', `${expected.toLocaleString('en')} frames expected, ${lost} lost, ${doubled} doubled`);
    return outcome;
  }

  get #link(): { readonly isCut: boolean; readonly sftpBytes: number; cut(): void; restore(): void } {
    const { link } = this.#port.scene.vehicle(tunnelVehicle.name);
    return {
      isCut: link.web.isCut,
      sftpBytes: link.sftp.passed.up,
      cut: () => link.cut('silent'),
      restore: () => link.restore(),
    };
  }

  #cut(): EpochMs {
    this.#link.cut();
    const startMs = systemClock.nowMs();
    this.#cuts.push({ startMs, endMs: Number.MAX_SAFE_INTEGER });
    return startMs;
  }

  #restore(): void {
    this.#link.restore();
    const last = this.#cuts.pop();
    if (last) this.#cuts.push({ startMs: last.startMs, endMs: systemClock.nowMs() });
  }

  #begin(name: ChapterName, sentence: string): void {
    this.#chapters.begin(name, systemClock.nowMs(), sentence);
    this.#changed();
  }

  #end(name: ChapterName, sentence: string): void {
    this.#chapters.end(name, sentence);
    this.#changed();
  }

  #until<T>(
    what: string,
    find: (snapshot: Snapshot) => T | undefined,
    patienceMs: DurationMs = PATIENCE_MS,
  ): Promise<T> {
    return this.#watch.until(what, find, { patienceMs, signal: this.#signal });
  }

  #changed(): void {
    if (this.#act === 'end' && this.#shownEnd) return;
    this.#shownEnd = this.#act === 'end';
    const { latest } = this.#watch;
    this.#port.onChange({
      snapshot: { ...latest, atMs: systemClock.nowMs() },
      fromMs: beginningOf(latest) ?? systemClock.nowMs(),
      plannedMs: AROUND_TUNNEL_MS + this.#port.tunnelMs,
      cuts: this.#cuts,
      chapters: this.#act === 'afterwards' ? [] : this.#chapters.all,
      isOver: this.#act === 'end',
    });
  }
}

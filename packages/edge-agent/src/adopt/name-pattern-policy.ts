import { AppError } from '@gapless/shared/errors';
import type { DurationMs, EpochMs, WallTime } from '@gapless/shared/time';
import { asUtcMs, firstInstantFrom, instantsOf, MINUTE_MS, SECOND_MS } from '@gapless/shared/time';

/** What a file's name says of its time. */
export interface NameTime {
  /** The instants that it may mean: one as a rule, two where clocks were put back, none where it does not say. */
  readonly startsMs: readonly EpochMs[];
  /** How exact it is. */
  readonly exactToMs: DurationMs;
}

/** Tokens as MediaMTX and strftime have them, and the digits that they stand for. */
const TOKENS: Readonly<Record<string, string>> = {
  '%Y': String.raw`(?<Y>\d{4})`,
  '%m': String.raw`(?<m>\d\d)`,
  '%d': String.raw`(?<d>\d\d)`,
  '%H': String.raw`(?<H>\d\d)`,
  '%M': String.raw`(?<M>\d\d)`,
  '%S': String.raw`(?<S>\d\d)`,
  '%f': String.raw`(?<f>\d{1,9})`,
  '%s': String.raw`(?<s>\d{9,11})`,
  '%z': String.raw`(?<z>Z|[+-]\d\d:?\d\d)`,
  '%path': '.+?',
  '%%': '%',
  '*': '[^/]*',
};

const TOKEN = /%path|%[A-Za-z%]|\*/g;

/**
 * How a recorder names its files: `%Y-%m-%d_%H-%M-%S-%f`. A pattern without a slash is that of the name, whatever folder the
 * file lies in; one with a slash is that of the way to it. Endings such as `.mp4` are no part of it.
 */
export class NamePattern {
  readonly #regExp: RegExp;
  readonly #isOfPath: boolean;
  readonly #timeZone: string;

  /**
   * @param timeZone IANA name of the zone in which the names are meant, unless they have an offset themselves
   * @throws ARGUMENT_INVALID for a token that is none
   */
  constructor(pattern: string, timeZone: string) {
    this.#isOfPath = pattern.includes('/');
    this.#timeZone = timeZone;
    const seen = new Set<string>();
    const plain = pattern.split(TOKEN).map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    const tokens = (pattern.match(TOKEN) ?? []).map((token) => tokenSource(token, seen));
    this.#regExp = new RegExp(`^${plain.map((text, i) => text + (tokens[i] ?? '')).join('')}$`);
  }

  /**
   * Reads the name of a file.
   *
   * @param path below the directory, with its ending
   * @returns `undefined` for a file that is not of this pattern
   */
  match(path: string): NameTime | undefined {
    const whole = path.replace(/\.[^./]*$/, '');
    const match = this.#regExp.exec(this.#isOfPath ? whole : whole.slice(whole.lastIndexOf('/') + 1));
    return match ? timeOf(match.groups ?? {}, this.#timeZone) : undefined;
  }
}

function tokenSource(token: string, seen: Set<string>): string {
  const source = TOKENS[token];
  if (source === undefined)
    throw new AppError('ARGUMENT_INVALID', `a pattern for file names has no token ${token}`, {
      hint: `Use ${Object.keys(TOKENS).join(' ')}.`,
    });
  if (!source.startsWith('(')) return source;
  // The same part of a time may stand in a folder's name and in the file's.
  if (seen.has(token)) return source.replace(/\?<\w+>/, '?:');
  seen.add(token);
  return source;
}

type Groups = Readonly<Record<string, string | undefined>>;

const UNSAID: NameTime = { startsMs: [], exactToMs: 0 };

function timeOf(groups: Groups, timeZone: string): NameTime {
  const millisecond = groups['f'] === undefined ? 0 : Math.floor(Number(`0.${groups['f']}`) * 1000);
  const exactToMs = groups['f'] === undefined ? SECOND_MS : 1;
  if (groups['s'] !== undefined) return { startsMs: [Number(groups['s']) * 1000 + millisecond], exactToMs };
  const { Y, m, d, H, M, S } = groups;
  if (Y === undefined || m === undefined || d === undefined || H === undefined || M === undefined)
    return UNSAID;
  const wall: WallTime = {
    ...{ year: Number(Y), month: Number(m), day: Number(d), hour: Number(H), minute: Number(M) },
    second: Number(S ?? 0),
    millisecond,
  };
  // A name such as 2025-13-45 is no time, whatever it is.
  if (wall.month < 1 || wall.month > 12 || wall.day < 1 || wall.day > 31 || wall.hour > 24) return UNSAID;
  const startsMs = instants(wall, groups['z'], timeZone);
  return { startsMs, exactToMs: S === undefined ? MINUTE_MS : exactToMs };
}

function instants(wall: WallTime, offset: string | undefined, timeZone: string): readonly EpochMs[] {
  if (offset !== undefined) return [asUtcMs(wall) - offsetMs(offset)];
  const found = instantsOf(wall, timeZone);
  // A recorder whose clock ran on in winter time names hours that do not exist.
  return found.length > 0 ? found : [firstInstantFrom(wall, timeZone)];
}

function offsetMs(text: string): DurationMs {
  if (text === 'Z') return 0;
  const digits = text.slice(1).replace(':', '');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return (text.startsWith('-') ? -minutes : minutes) * MINUTE_MS;
}

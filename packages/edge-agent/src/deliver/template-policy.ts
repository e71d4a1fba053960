import { nearestName } from '@gapless/shared/config';
import { AppError } from '@gapless/shared/errors';
import { quote } from '@gapless/shared/ids';

/** What the agent itself knows of an artifact; a caller's own tokens have other names. */
export const BUILT_IN_TOKENS = ['vehicle', 'lens', 'date', 'start', 'end', 'sha256', 'name'] as const;

export type BuiltInToken = (typeof BUILT_IN_TOKENS)[number];

/** Values by the names of their tokens. */
export type TokenValues = Readonly<Partial<Record<string, string>>>;

/** The path of a destination with tokens in braces: `/archive/{vehicle}/{date}/{name}`. */
export interface PathTemplate {
  /** Whether the path begins at the root of the server, and not where the user is put after the login. */
  readonly isAbsolute: boolean;
  /** Names of directories and, last, of the file. */
  readonly parts: readonly string[];
}

/** File systems take no longer names. */
const MAX_NAME_BYTES = 255;
/** What a partial file has behind the name that it is to have. */
const PARTIAL_BYTES = '.0123456789abcdef.part'.length;

const TOKEN = /\{([^{}]*)\}/g;

/**
 * Reads the path of a destination; one that ends with a slash gets `{name}` behind it.
 *
 * @param path as it stands in the address, percent-encoded, with its first slash; below `/~/` it begins at the home directory
 * @throws ARGUMENT_INVALID for a path that is none or that leads upwards, and for braces that hold no name
 */
export function parseTemplate(path: string): PathTemplate {
  const typed = path.split('/').slice(1).map(decoded);
  const isAbsolute = typed[0] !== '~';
  const parts = typed.filter((part, i) => part !== '' && (isAbsolute || i > 0));
  if (typed.at(-1) === '' || parts.length === 0) parts.push('{name}');
  for (const part of parts) {
    requireName(part.replace(TOKEN, 'x'), `the path of the destination has ${quote(part)}`);
    const rest = part.replace(TOKEN, (all, name: string) => (isTokenName(name) ? '' : all));
    if (/[{}]/.test(rest))
      throw invalid(`${quote(part)}: braces hold the name of a token, such as {name}`, HINT_TOKENS);
  }
  return { isAbsolute, parts };
}

/** Whether a caller may call a token so. */
export function isTokenName(name: string): boolean {
  return /^[a-z][a-z0-9_-]{0,31}$/i.test(name);
}

/** The tokens that a template asks for. */
export function tokensOf({ parts }: PathTemplate): ReadonlySet<string> {
  return new Set(parts.flatMap((part) => [...part.matchAll(TOKEN)].map(([, name]) => name!)));
}

/**
 * The path of one artifact. Whatever the values are it stays below where the template leads: each is part of one name.
 *
 * @throws ARGUMENT_INVALID for a token that has no value, and for a value that cannot be part of a name
 */
export function fillTemplate({ isAbsolute, parts }: PathTemplate, values: TokenValues): string {
  const filled = parts.map((part) => part.replace(TOKEN, (_, name: string) => valueOf(name, values)));
  filled.forEach((part, i) => {
    requireName(part, `the path of the upload has ${quote(part)}`);
    const isFile = i === filled.length - 1;
    const room = isFile ? MAX_NAME_BYTES - PARTIAL_BYTES : MAX_NAME_BYTES;
    if (new TextEncoder().encode(part).length > room)
      throw invalid(`${quote(part)} is longer than a name may be: ${room} bytes`);
  });
  return (isAbsolute ? '/' : '') + filled.join('/');
}

/** Where an artifact lies until it is proven: of another content it is another file. */
export function partialPath(path: string, sha256: string): string {
  return `${path}.${sha256.slice(0, 16)}.part`;
}

/** The directories above a path, the outermost first, without the root. */
export function directoriesOf(path: string): string[] {
  const names = path.split('/');
  return names
    .slice(1, -1)
    .reduce<string[]>(
      (above, name) => [...above, `${above.at(-1) ?? names[0]}/${name}`],
      names[0] === '' || names.length === 1 ? [] : [names[0]!],
    );
}

/** @throws ARGUMENT_INVALID when a caller's value cannot be part of a name */
export function requireTokenValue(name: string, value: string): void {
  const why = refusalOfValue(value);
  if (why !== undefined) throw invalid(`the token {${name}} cannot be ${quote(value)}: ${why}`);
}

const HINT_TOKENS = `Known are ${BUILT_IN_TOKENS.map((name) => `{${name}}`).join(', ')}, and those given with --token NAME=VALUE.`;

function valueOf(name: string, values: TokenValues): string {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value === undefined) throw unknownToken(name, values);
  requireTokenValue(name, value);
  return value;
}

function unknownToken(name: string, values: TokenValues): AppError {
  if ((BUILT_IN_TOKENS as readonly string[]).includes(name)) {
    const given = values['name'] === undefined ? 'what is uploaded' : quote(values['name']);
    return invalid(
      `${given} has no {${name}}`,
      'A file has {vehicle}, {date}, {sha256} and {name}; footage has all of them.',
    );
  }
  const near = nearestName(name, Object.keys(values).concat(BUILT_IN_TOKENS));
  const meant = near === undefined ? '' : `Did you mean {${near}}? `;
  return invalid(`there is no token {${name}}`, `${meant}${HINT_TOKENS}`);
}

function refusalOfValue(value: string): string | undefined {
  if (value === '') return 'it is empty';
  if (value === '.' || value === '..') return 'it would lead elsewhere';
  if (/[/\\]/.test(value)) return 'it has a slash';
  if (/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(value))
    return 'it has characters that cannot be seen';
  return undefined;
}

function requireName(part: string, what: string): void {
  const why = refusalOfValue(part);
  if (why !== undefined) throw invalid(`${what}: ${why}`);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid(`${quote(part)} in the destination is not percent-encoded as addresses are`);
  }
}

function invalid(message: string, hint?: string): AppError {
  return new AppError('ARGUMENT_INVALID', message, hint === undefined ? {} : { hint });
}

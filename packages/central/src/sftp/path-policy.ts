/** Longest path that a ticket can name. */
const MAX_PATH_LENGTH = 200;

const PLAIN_PART = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;

/** What a path in a request can be: the directory that everyone sees, a name that may be ticketed, or nothing. */
export type RequestedPath =
  { readonly kind: 'root' } | { readonly kind: 'name'; readonly path: string } | { readonly kind: 'odd' };

/**
 * Reads a path as it came over the wire. One leading slash is dropped; nothing is resolved: a path with `.`, `..`,
 * an empty part, a NUL or any unusual character is odd, and an odd path does not exist.
 */
export function readPath(raw: string): RequestedPath {
  if (raw === '.' || raw === '/' || raw === '') return { kind: 'root' };
  const path = raw.startsWith('/') ? raw.slice(1) : raw;
  const plain = path.length <= MAX_PATH_LENGTH && path.split('/').every((part) => PLAIN_PART.test(part));
  return plain ? { kind: 'name', path } : { kind: 'odd' };
}

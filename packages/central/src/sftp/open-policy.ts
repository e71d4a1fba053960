/** Bits of `pflags` in SSH_FXP_OPEN (draft-ietf-secsh-filexfer-02 section 6.3). */
export const OPEN_WRITE = 0x02;
export const OPEN_TRUNCATE = 0x10;
export const OPEN_EXCLUSIVE = 0x20;

export type OpenDecision =
  | { readonly kind: 'open'; readonly truncate: boolean }
  | { readonly kind: 'refuse'; readonly reason: string };

/**
 * Decides how a ticketed path is opened.
 *
 * What clients send: OpenSSH's `put` WRITE|CREAT|TRUNC; its `reput`, after a STAT, WRITE|CREAT|APPEND; both then write
 * at explicit offsets, so that APPEND needs no meaning of its own. rclone and lftp send WRITE|CREAT|TRUNC, ssh2's `r+`
 * READ|WRITE: READ beside WRITE may pass, since reading itself is refused. A ticketed path is there as soon as its ticket
 * is, so that CREAT changes nothing. Who wants a new file (TRUNC, EXCL) gets it only where nothing is final yet.
 *
 * @param offset where the ticket allows writing to begin
 */
export function decideOpen(flags: number, offset: number): OpenDecision {
  if ((flags & OPEN_WRITE) === 0) return { kind: 'refuse', reason: 'files can only be written here' };
  const truncate = (flags & (OPEN_TRUNCATE | OPEN_EXCLUSIVE)) !== 0;
  if (truncate && offset > 0)
    return { kind: 'refuse', reason: `${offset} bytes of this file are already here: resume there` };
  return { kind: 'open', truncate };
}

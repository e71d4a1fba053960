import type { TicketMessage } from '@gapless/shared/protocol';

/** Where to upload to, as a ticket names it. */
export interface SftpEndpoint {
  readonly host: string;
  readonly port: number;
  /** The name to log in with: that of the vehicle. */
  readonly user: string;
  /** `SHA256:…` fingerprints of the host keys that the server may show. Any other ends the connection. */
  readonly hostKeys: readonly string[];
}

/**
 * Where a ticket leads: by default to the host of the link. Of the host keys that it names, only those count that the
 * agent trusts already.
 */
export function endpointOf(
  ticket: TicketMessage,
  known: { readonly linkUrl: string; readonly trustedHostKeys: readonly string[] },
): SftpEndpoint {
  const { hostname } = new URL(known.linkUrl);
  return {
    host: ticket.host === '' ? hostname.replace(/^\[|\]$/g, '') : ticket.host,
    port: ticket.port,
    user: ticket.user,
    hostKeys: ticket.hostKeys.filter((key) => known.trustedHostKeys.includes(key)),
  };
}

/** Whether a connection to `a` serves for `b` too. The host keys may differ: they were checked when it was made. */
export function isSameServer(a: SftpEndpoint, b: SftpEndpoint): boolean {
  return a.host === b.host && a.port === b.port && a.user === b.user;
}

export function isSameEndpoint(a: SftpEndpoint, b: SftpEndpoint): boolean {
  return isSameServer(a, b) && a.hostKeys.join() === b.hostKeys.join();
}

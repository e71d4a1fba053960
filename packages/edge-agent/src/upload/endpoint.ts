/** Where to upload to, as a ticket names it. */
export interface SftpEndpoint {
  readonly host: string;
  readonly port: number;
  /** The name to log in with: that of the vehicle. */
  readonly user: string;
  /** `SHA256:…` fingerprints of the host keys that the server may show. Any other ends the connection. */
  readonly hostKeys: readonly string[];
}

/** Whether a connection to `a` serves for `b` too. The host keys may differ: they were checked when it was made. */
export function isSameServer(a: SftpEndpoint, b: SftpEndpoint): boolean {
  return a.host === b.host && a.port === b.port && a.user === b.user;
}

export function isSameEndpoint(a: SftpEndpoint, b: SftpEndpoint): boolean {
  return isSameServer(a, b) && a.hostKeys.join() === b.hostKeys.join();
}

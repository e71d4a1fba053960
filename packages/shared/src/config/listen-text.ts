/** Where to listen. Port 0 lets the system choose one. */
export interface ListenAddress {
  /** Host name or IP address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62}))*$/;

/** Reads `0.0.0.0:8080`, `[::1]:8080` or `localhost:0`; `undefined` for anything else. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const [, six, other, digits] = match;
  const port = Number(digits);
  const host = six ?? other ?? '';
  if (port > 65_535) return undefined;
  if (six !== undefined) return isIpv6(six) ? { host, port } : undefined;
  // All digits and dots is meant as an IPv4 address and must be one; 256.0.0.1 is no host name.
  const sound = /^[\d.]+$/.test(host) ? isIpv4(host) : HOST_NAME.test(host);
  return sound ? { host, port } : undefined;
}

/** Writes an address so that {@link parseListenAddress} reads the same back. */
export function listenText({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * What someone who wrote an address almost right probably meant: `8080` this machine alone, `:8080` and `*:8080` every
 * interface, `localhost` the usual port, `::1:8080` its bracketed form.
 */
export function likelyListen(text: string): string | undefined {
  const [, everywhere, port] = /^(\*?:)?(\d{1,5})$/.exec(text) ?? [];
  const six = /^([0-9A-Fa-f:]+:[0-9A-Fa-f:]*):(\d{1,5})$/.exec(text);
  const likely =
    port !== undefined
      ? `${everywhere === undefined ? '127.0.0.1' : '0.0.0.0'}:${port}`
      : six
        ? `[${six[1] ?? ''}]:${six[2] ?? ''}`
        : `${text}:8080`;
  return parseListenAddress(likely) === undefined ? undefined : likely;
}

function isIpv4(host: string): boolean {
  const parts = host.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

function isIpv6(host: string): boolean {
  try {
    return new URL(`http://[${host}]/`).hostname.length > 0;
  } catch {
    return false;
  }
}

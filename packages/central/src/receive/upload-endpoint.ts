/** Where vehicles upload to, as a ticket tells them. */
export interface UploadEndpoint {
  /** Empty for the host by which a vehicle reaches central. */
  readonly host: string;
  readonly port: number;
  /** Undefined for the vehicle's own name. */
  readonly user?: string;
}

/** The outside SFTP server of the configuration. */
export interface OutsideServer {
  readonly url: string;
}

/**
 * The endpoint of the server inside central.
 *
 * @param advertise `host`, `host:port` or `[v6]:port` under which vehicles reach it; by default the link's host
 */
export function insideEndpoint(advertise: string | undefined, listeningPort: number): UploadEndpoint {
  const [, host = '', port] = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(advertise ?? '') ?? [];
  return { host: unbracketed(host), port: port === undefined ? listeningPort : Number(port) };
}

const SSH_PORT = 22;

export function outsideEndpoint({ url }: OutsideServer): UploadEndpoint {
  const { hostname, port, username } = new URL(url);
  return {
    host: unbracketed(hostname),
    port: port === '' ? SSH_PORT : Number(port),
    ...(username === '' ? {} : { user: decodeURIComponent(username) }),
  };
}

/** What stands before a file's name in the path as the vehicle sees it: the server's directory, and one for each vehicle. */
export function outsidePrefix({ url }: OutsideServer, vehicle: string): string {
  return `${new URL(url).pathname.replace(/\/$/, '')}/${vehicle}/`;
}

function unbracketed(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

import { AppError, errnoOf, toAppError } from '@gapless/shared/errors';
import { MAX_BINARY_BYTES, MAX_MESSAGE_BYTES } from '@gapless/shared/protocol';
import type { Socket } from 'node:net';
import WebSocket from 'ws';

/** One WebSocket, reduced to what the link needs. The only file of the agent that knows `ws`. */
export interface LinkSocket {
  /** Called with every message; nothing is read ahead of it. */
  onText: (text: string) => void;
  /** Called once, when the socket is gone, with why. */
  onEnd: (end: SocketEnd) => void;
  sendText(text: string): void;
  /** Sends one binary frame made of two parts, without joining them in memory. */
  sendBinary(header: Uint8Array, body: Uint8Array): void;
  /** Bytes handed over and not yet taken by the operating system. */
  readonly bufferedBytes: number;
  /** The address of this machine from which the socket speaks. */
  readonly localAddress: string | undefined;
  close(code: number, reason: string): void;
  /** Ends without another word. */
  terminate(): void;
}

/** How a socket ended. Without a code nobody said goodbye: the link failed. */
export interface SocketEnd {
  readonly code: number | undefined;
  readonly reason: string;
}

/** RFC 6455 section 7.4.1: 1006 is never sent, it stands for "no close frame". */
const NO_CLOSE_FRAME = 1006;

export interface DialOptions {
  /** `ws:` or `wss:`, with path. */
  readonly url: string;
  /** PEM certificates to trust beside the system's. */
  readonly ca: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called when packets get through, two round trips and more before there is a WebSocket. */
  readonly onConnected?: () => void;
}

/** Opens a WebSocket; throws `LINK_UNREACHABLE`, `LINK_REFUSED` or `LINK_UNTRUSTED`. */
export function dialLink(options: DialOptions): Promise<LinkSocket> {
  const { url, ca, timeoutMs, signal, onConnected } = options;
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: Math.max(MAX_MESSAGE_BYTES, MAX_BINARY_BYTES),
      handshakeTimeout: timeoutMs,
      followRedirects: false,
      generateMask: leaveUnmasked,
      finishRequest: (request) => {
        if (onConnected) request.once('socket', (connecting) => connecting.once('connect', onConnected));
        request.end();
      },
      ...(ca === undefined ? {} : { ca }),
    });
    const stop = (): void => {
      socket.terminate();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
    let carrier: Socket | undefined;
    socket.once('upgrade', (response) => (carrier = response.socket));
    socket.once('error', (error) => {
      signal.removeEventListener('abort', stop);
      reject(dialError(url, error));
    });
    socket.once('open', () => {
      signal.removeEventListener('abort', stop);
      carrier?.setNoDelay(true);
      resolve(wrap(socket, carrier));
    });
  });
}

/**
 * Leaves the mask of a frame at the zeros that it begins with. RFC 6455 section 10.3 has clients mask with what nobody can
 * foresee, so that a script in a browser cannot put bytes of its choice before a proxy; the agent runs nobody's scripts,
 * and masking would copy every byte of live video.
 */
function leaveUnmasked(): void {
  // the buffer that ws hands in is zeros already
}

function wrap(socket: WebSocket, carrier: Socket | undefined): LinkSocket {
  const localAddress = carrier?.localAddress?.split('%')[0];
  // Central speaks first, and its first word can come with the answer to the upgrade, before anybody listens.
  let early: string[] | undefined = [];
  let listener: (text: string) => void = (text) => void early?.push(text);
  const link: LinkSocket = {
    get onText() {
      return listener;
    },
    set onText(listen) {
      listener = listen;
      const waiting = early ?? [];
      early = undefined;
      for (const text of waiting) listen(text);
    },
    onEnd: () => undefined,
    sendText: (text) => {
      socket.send(text);
    },
    sendBinary: (header, body) => {
      // Fragments of one message: the body is not copied to sit behind its header, and both leave in one call.
      carrier?.cork();
      socket.send(header, { binary: true, fin: false });
      socket.send(body, { binary: true, fin: true });
      carrier?.uncork();
    },
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    localAddress,
    close: (code, reason) => {
      socket.close(code, reason);
    },
    terminate: () => {
      socket.terminate();
    },
  };
  socket.on('message', (data, isBinary) => {
    if (isBinary) socket.close(1003, 'central sends text only');
    else link.onText((data as Buffer).toString('utf8'));
  });
  socket.on('error', () => undefined); // `close` follows and says the same
  socket.once('close', (code, reason) => {
    link.onEnd({ code: code === NO_CLOSE_FRAME ? undefined : code, reason: reason.toString('utf8') });
  });
  return link;
}

function dialError(url: string, error: Error): AppError {
  const host = URL.canParse(url) ? new URL(url).host : url;
  const errno = errnoOf(error) ?? '';
  if (errno === 'ECONNREFUSED') {
    return new AppError('LINK_REFUSED', `nothing listens at ${host}`, {
      cause: error,
      hint: 'Is central running, and is the port right?',
    });
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/.test(errno)) {
    return new AppError('LINK_UNTRUSTED', `the certificate of ${host} is not trusted: ${errno}`, {
      cause: error,
      hint: 'Name the certificate of your authority as central.ca in the configuration.',
    });
  }
  const status = /Unexpected server response: (\d{3})/.exec(error.message)?.[1];
  if (status !== undefined) {
    return new AppError('LINK_REFUSED', `${host} answered ${status} and not with a WebSocket`, {
      cause: error,
      hint: 'Does central.url name central itself, and does the proxy in front of it pass WebSockets on?',
    });
  }
  return new AppError(
    'LINK_UNREACHABLE',
    `${host} cannot be reached: ${errno === '' ? toAppError(error).message : errno}`,
    { cause: error },
  );
}

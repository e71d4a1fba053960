import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError, errnoOf } from '@gapless/shared/errors';
import type { Api } from './server.js';

/** Takes over the connection of a request that asked for a WebSocket. */
export type Upgrade = (request: IncomingMessage, carrier: Duplex, head: Buffer) => void;

/**
 * Begins to listen.
 *
 * @param upgrades by path; other paths get a 404
 * @throws ADDRESS_IN_USE, ARGUMENT_INVALID for an address that this machine does not have
 */
export async function listen(
  api: Api,
  address: { host: string; port: number },
  upgrades: Readonly<Record<string, Upgrade>>,
): Promise<void> {
  api.server.on('upgrade', (request: IncomingMessage, carrier: Duplex, head: Buffer) => {
    const upgrade = upgrades[request.url?.split('?')[0] ?? ''];
    if (upgrade) upgrade(request, carrier, head);
    else carrier.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  try {
    await api.listen({ ...address });
  } catch (thrown) {
    throw listenError(thrown, address);
  }
}

/** Where an API that listens is reached. */
export function urlOf(api: Api, scheme: 'http' | 'https'): string {
  const { address, port, family } = api.server.address() as AddressInfo;
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** Reads the certificate and key of a TLS configuration; throws CONFIG_INVALID. */
export async function readTls(tls: { cert: string; key: string }): Promise<{ cert: string; key: string }> {
  return { cert: await readPem(tls.cert), key: await readPem(tls.key) };
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    throw new AppError('CONFIG_INVALID', `cannot read ${path}: ${errnoOf(thrown) ?? String(thrown)}`, {
      cause: thrown,
      hint: 'http.tls names the certificate and its key as PEM files.',
    });
  }
}

function listenError(thrown: unknown, { host, port }: { host: string; port: number }): AppError {
  if (errnoOf(thrown) === 'EADDRINUSE') {
    return new AppError('ADDRESS_IN_USE', `port ${port} for HTTP is taken by another program`, {
      cause: thrown,
      hint: 'Choose another with --http, or stop the other program.',
    });
  }
  return new AppError(
    'ARGUMENT_INVALID',
    `cannot listen on ${host}:${port}: ${errnoOf(thrown) ?? String(thrown)}`,
    { cause: thrown },
  );
}

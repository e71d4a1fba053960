import { spawn } from 'node:child_process';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { owned } from '@gapless/harness/children';
import type { EmulatedLink } from './emulated-link.js';

const PROBE = fileURLToPath(new URL('./echo-process.js', import.meta.url));
const EVERY_MS = 50;

/** What a control message meets on a link while `work` is done: milliseconds there and back, one for each message. */
export async function delaysDuring(link: EmulatedLink, work: () => Promise<unknown>): Promise<number[]> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, link.centralAddress, resolve));
  const { port } = server.address() as AddressInfo;
  const command = [process.execPath, PROBE, link.centralAddress, String(port), String(EVERY_MS)];
  const [program, ...args] = [...link.onVehicle, ...command];
  const probe = owned(spawn(program!, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  let said = '';
  probe.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise((resolve) => probe.once('close', resolve));
  try {
    await work();
  } finally {
    probe.stdin.end();
    await ended;
    for (const socket of sockets) socket.destroy();
    server.close();
  }
  return JSON.parse(said) as number[];
}

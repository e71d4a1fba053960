import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SendOptions } from './sftp-peers.js';

/** What an upload over a link is like, for itself and for everyone else on the link. */
export interface LinkResult {
  /** From the start of the program to the last acknowledgement, connecting included. */
  readonly seconds: number;
  /** The same without connecting. */
  readonly transferSeconds: number;
  readonly sentBytes: number;
  /** Of a small packet there and back, during the upload. */
  readonly delayMs: { readonly p50: number; readonly p95: number; readonly max: number };
  /** Everything that the uploader reported, in order. */
  readonly events: readonly LinkEvent[];
}

export interface LinkEvent {
  readonly event: string;
  readonly atMs: number;
  readonly [fact: string]: unknown;
}

export interface LinkOptions {
  readonly send: SendOptions;
  /** A TCP service at the far end that sends back what it gets: `sftp-peers serve` has one. */
  readonly echo: { readonly host: string; readonly port: number };
  readonly sampleEveryMs: number;
}

const PEERS = fileURLToPath(new URL('./sftp-peers.js', import.meta.url));

/** Runs on the vehicle's side of a real or emulated link, with `sftp-peers serve` on the other. */
export async function measureLink(options: LinkOptions): Promise<LinkResult> {
  const delays: number[] = [];
  const events: LinkEvent[] = [];
  const stopSampling = sampleDelay(options, delays);
  const child = spawn(process.execPath, [PEERS, 'send', JSON.stringify(options.send)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout }))
    events.push(JSON.parse(line) as LinkEvent);
  stopSampling();
  const done = events.find(({ event }) => event === 'done');
  const connected = events.find(({ event }) => event === 'connected');
  if (!done || !connected) throw new Error('the upload did not end');
  const sorted = delays.sort((a, b) => a - b);
  const at = (ratio: number): number => Math.round(sorted[Math.floor(sorted.length * ratio)] ?? Number.NaN);
  return {
    seconds: done.atMs / 1000,
    transferSeconds: (done.atMs - connected.atMs) / 1000,
    sentBytes: Number(done['sentBytes']),
    delayMs: { p50: at(0.5), p95: at(0.95), max: Math.round(sorted.at(-1) ?? Number.NaN) },
    events,
  };
}

/** Sends a few bytes at a time, as a control message would, and notes when they are back. */
function sampleDelay({ echo, sampleEveryMs }: LinkOptions, into: number[]): () => void {
  const socket = connect({ ...echo, noDelay: true });
  const sent: number[] = [];
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    for (const _ of data.toString().matchAll(/\n/g)) into.push(performance.now() - (sent.shift() ?? 0));
  });
  const timer = setInterval(() => {
    sent.push(performance.now());
    socket.write(`${'.'.repeat(99)}\n`);
  }, sampleEveryMs);
  return () => {
    clearInterval(timer);
    socket.destroy();
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = await measureLink(JSON.parse(process.argv[2] ?? '{}') as LinkOptions);
  console.log(JSON.stringify(result));
}

import { read, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { LaneFacts } from './packet-lane.js';
import { PacketLane } from './packet-lane.js';
import { readTcpPacket } from './tcp-packet.js';

/**
 * The emulated link as a process of its own, so that nothing that is measured delays it: carries packets between two TUN
 * devices, which `EmulatedLink` hands over as open files. Obeys one JSON object a line on standard input.
 */
export interface LinkFacts {
  readonly up: LaneFacts;
  readonly down: LaneFacts;
}

export type LinkCommand = { readonly do: 'cut' | 'restore' | 'count'; readonly id: number };

/** What the link has carried to its end from the vehicle to one TCP port of central, repetitions included. */
export interface PortCount {
  readonly packets: number;
  readonly payloadBytes: number;
  /** Of the first and last packet with more than a handful of payload since the last count. */
  readonly firstBulkMs: number | undefined;
  readonly lastBulkMs: number | undefined;
}

export interface LinkAnswer {
  readonly id: number;
  readonly atMs: number;
  readonly up: Readonly<Record<number, PortCount>>;
}

const MTU_BYTES = 1500;
/** Handshakes, pings and acknowledgements are smaller; a write fills its packets. */
const BULK_BYTES = 1000;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const [, , vehicleFd, centralFd, facts] = process.argv;
const { up, down } = JSON.parse(facts!) as LinkFacts;
const counts: Record<number, Mutable<PortCount>> = {};

const upLane = new PacketLane(up, (packet) => {
  count(packet);
  deliver(Number(centralFd), packet);
});
const downLane = new PacketLane(down, (packet) => deliver(Number(vehicleFd), packet));
pump(Number(vehicleFd), upLane);
pump(Number(centralFd), downLane);

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as LinkCommand;
  if (command.do !== 'count') for (const lane of [upLane, downLane]) lane.setCut(command.do === 'cut');
  const answer: LinkAnswer = { id: command.id, atMs: Date.now(), up: counts };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  for (const port of Object.values(counts)) port.firstBulkMs = port.lastBulkMs = undefined;
}
// A read that waits for a packet would keep the process for ever.
process.kill(process.pid, 'SIGKILL');

function pump(fd: number, lane: PacketLane): void {
  const packet = Buffer.allocUnsafe(2 * MTU_BYTES);
  const next = (): void =>
    read(fd, packet, 0, packet.length, null, (error, length) => {
      if (error) throw error;
      lane.carry(Buffer.from(packet.subarray(0, length)));
      next();
    });
  next();
}

function deliver(fd: number, packet: Buffer): void {
  try {
    writeSync(fd, packet);
  } catch (error) {
    // While its device is being set up nobody can receive anything there.
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
  }
}

function count(packet: Buffer): void {
  const tcp = readTcpPacket(packet);
  if (!tcp) return;
  const port = (counts[tcp.targetPort] ??= {
    packets: 0,
    payloadBytes: 0,
    firstBulkMs: undefined,
    lastBulkMs: undefined,
  });
  port.packets++;
  port.payloadBytes += tcp.payloadBytes;
  if (tcp.payloadBytes < BULK_BYTES) return;
  port.lastBulkMs = Date.now();
  port.firstBulkMs ??= port.lastBulkMs;
}

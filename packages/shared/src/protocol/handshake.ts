import { z } from 'zod';
import { HEARTBEAT_MS, PROTOCOL_VERSION } from './limits.js';
import {
  base64,
  byteCount,
  epochMs,
  hostKeyFingerprint,
  label,
  lensName,
  sha256Hex,
  vehicleId,
} from './values.js';

/**
 * How the link opens: central challenges, the agent answers with its signature, central answers with its own. Both
 * sign the same transcript, so neither can be replayed or taken for the other, whatever carries the connection.
 */

const nonce = z.string().regex(/^[0-9a-f]{64}$/);

/** Central speaks first. */
export const challenge = z.object({
  type: z.literal('challenge'),
  protocol: z.array(z.int().min(1)).min(1).max(16),
  nonce,
  sentMs: epochMs,
});

/** How far the vehicle's wall clock is to be believed. */
export const clockStatement = z.object({
  nowMs: epochMs,
  /** Whether times that it gives are to be believed. */
  trusted: z.boolean(),
  /** What vouches for it; with `none` it is at best plausible. */
  source: z.enum(['none', 'ntp', 'gps', 'central']),
});

export const hello = z.object({
  type: z.literal('hello'),
  protocol: z.literal(PROTOCOL_VERSION),
  vehicle: vehicleId,
  /** SHA-256 of the link key's public half (SPKI DER). */
  key: sha256Hex,
  /** Grows with every hello and is on disk before it is sent: of two boxes with the same key one will fall behind. */
  counter: z.int().min(1),
  nonce,
  agentVersion: label,
  /** Random per boot of the box. */
  bootId: z.uuid(),
  clock: clockStatement,
  /** Identifies the index: change sequences count within it and start again when it is rebuilt. */
  catalogueEpoch: z.uuid(),
  lenses: z.array(z.object({ lens: lensName, live: z.enum(['push', 'off']) })).max(64),
  signature: base64,
});

export const welcome = z.object({
  type: z.literal('welcome'),
  session: z.string().max(64),
  centralVersion: label,
  nowMs: epochMs,
  heartbeatMs: z.int().min(100).max(60_000).default(HEARTBEAT_MS),
  /** Central has applied the catalogue of the hello's epoch up to here; 0 when it knows nothing of that epoch. */
  catalogueSeq: byteCount,
  /** Host keys that central's SFTP server may show from now on; replaces the set pinned before. */
  hostKeys: z.array(hostKeyFingerprint).max(8),
  signature: base64,
});

export type Challenge = z.infer<typeof challenge>;
export type Hello = z.infer<typeof hello>;
export type Welcome = z.infer<typeof welcome>;
export type ClockStatement = z.infer<typeof clockStatement>;

/** What both signatures of one handshake cover. */
export interface HandshakeFacts {
  readonly vehicle: string;
  readonly agentKey: string;
  readonly counter: number;
  readonly centralNonce: string;
  readonly agentNonce: string;
  readonly bootId: string;
  readonly catalogueEpoch: string;
}

/**
 * The exact bytes that a side signs. `role` keeps an agent's signature from serving as central's; the welcome also
 * covers the host keys, since the agent will pin them.
 */
export function handshakeTranscript(
  role: 'agent' | 'central',
  facts: HandshakeFacts,
  hostKeys: readonly string[] = [],
): Uint8Array {
  const lines = [
    `gapless-link-${PROTOCOL_VERSION}-${role}`,
    facts.vehicle,
    facts.agentKey,
    String(facts.counter),
    facts.centralNonce,
    facts.agentNonce,
    facts.bootId,
    facts.catalogueEpoch,
    ...hostKeys,
  ];
  return new TextEncoder().encode(lines.join('\n'));
}

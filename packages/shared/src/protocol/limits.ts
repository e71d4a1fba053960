/** Bounds of everything that crosses the link. A peer that exceeds one is closed with a reason. */

/** Version of the link protocol that this program speaks. */
export const PROTOCOL_VERSION = 1;

/** The longest control message (JSON text frame). */
export const MAX_MESSAGE_BYTES = 1024 * 1024;

/** The most media bytes in one live slice; small, so that a control message never waits long behind one. */
export const MAX_SLICE_BYTES = 8 * 1024;

/** The longest binary frame: slice header, piece descriptor and media. */
export const MAX_BINARY_BYTES = MAX_SLICE_BYTES + 4 * 1024;

/** Changes in one catalogue message. */
export const MAX_CHANGES = 500;

/** Catalogue messages that the agent sends ahead of their acknowledgement. */
export const CATALOGUE_WINDOW = 2;

/** Segments in one answer about what a vehicle holds. */
export const MAX_HELD_SEGMENTS = 200;

/** Ranges in one question, byte ranges in one fetch, receipts in one message. */
export const MAX_ITEMS = 1000;

/** Lenses of one vehicle. */
export const MAX_LENSES = 64;

/** The largest segment, and so the largest artifact. */
export const MAX_SEGMENT_BYTES = 4 * 1024 ** 3;

/** The largest fragment. */
export const MAX_FRAGMENT_BYTES = 32 * 1024 ** 2;

/** The longest segment in time; it bounds every overlap query to one short index scan. */
export const MAX_SEGMENT_MS = 10 * 60 * 1000;

/** The unit of hashing and resumption in a transfer. */
export const BLOCK_BYTES = 256 * 1024;

/** The agent's heartbeat; central answers each. */
export const HEARTBEAT_MS = 2_000;

/** A link on which nothing has arrived for this long is dead. */
export const LINK_DEAD_MS = 8_000;

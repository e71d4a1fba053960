/** A box as data: its type and what it contains in wire order, fields as bytes or further boxes. */
export interface NewBox {
  readonly type: string;
  readonly content: readonly (Uint8Array | NewBox)[];
}

/** A box with the given content. */
export function box(type: string, ...content: readonly (Uint8Array | NewBox)[]): NewBox {
  return { type, content };
}

/** Version and flags, as they begin a full box (ISO/IEC 14496-12 section 4.2). */
export function versionAndFlags(version: number, flags: number): Uint8Array {
  return u32(version * 2 ** 24 + flags);
}

/** The bytes of a box. Sizes are 32 bits: what is written here are headers, not media. */
export function boxBytes(root: NewBox): Uint8Array {
  const out = new Uint8Array(boxSize(root));
  write(root, out, 0);
  return out;
}

export function u8(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

export function u16(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 2));
  values.forEach((value, i) => view.setUint16(i * 2, value));
  return bytesOf(view);
}

export function u32(...values: readonly number[]): Uint8Array {
  return u32Table(values);
}

/** 32-bit numbers, big-endian; `setUint32` wraps negative ones to two's complement. */
export function u32Table(values: ArrayLike<number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  for (let i = 0; i < values.length; i++) view.setUint32(i * 4, values[i]!);
  return bytesOf(view);
}

/** 64-bit numbers, big-endian; the values are safe integers. */
export function u64Table(values: ArrayLike<number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 8));
  for (let i = 0; i < values.length; i++) {
    view.setUint32(i * 8, Math.floor(values[i]! / 2 ** 32));
    view.setUint32(i * 8 + 4, values[i]!);
  }
  return bytesOf(view);
}

export function u64(...values: readonly number[]): Uint8Array {
  return u64Table(values);
}

/** Four-character codes and other ASCII text. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Length of a box in bytes. */
export function boxSize(node: NewBox): number {
  let size = 8;
  for (const part of node.content) size += part instanceof Uint8Array ? part.length : boxSize(part);
  return size;
}

/** Writes `node` at `at` and returns where it ends. */
function write(node: NewBox, out: Uint8Array, at: number): number {
  let end = at + 8;
  for (const part of node.content) {
    if (part instanceof Uint8Array) {
      out.set(part, end);
      end += part.length;
    } else {
      end = write(part, out, end);
    }
  }
  out.set(u32(end - at), at);
  out.set(ascii(node.type), at + 4);
  return end;
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

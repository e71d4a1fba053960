import type { Range } from '@gapless/shared/interval';
import { overlaps } from '@gapless/shared/interval';
import type { ProtectionChange } from '../index/protection-writer.js';
import type { ProtectionRecord } from '../index/rows.js';

/**
 * What has to change so that `pin` holds all over its range, as its holder said last: it replaces what the same holder
 * said of that range before, and joins what says the same beside it. Nothing if it holds already.
 *
 * @param pins of the lens, of whatever holders; those of one holder do not overlap
 */
export function planProtect(pins: readonly ProtectionRecord[], pin: ProtectionRecord): ProtectionChange {
  const own = pins.filter(({ holder }) => holder === pin.holder);
  const alike = own.filter((other) => saysTheSame(other, pin));
  if (alike.some((other) => other.startMs <= pin.startMs && other.endMs >= pin.endMs))
    return { remove: [], add: [] };
  const joined = alike.filter((other) => other.startMs <= pin.endMs && other.endMs >= pin.startMs);
  const others = own.filter((other) => !joined.includes(other) && overlaps(other, pin));
  const whole: ProtectionRecord = {
    ...pin,
    startMs: Math.min(pin.startMs, ...joined.map(({ startMs }) => startMs)),
    endMs: Math.max(pin.endMs, ...joined.map(({ endMs }) => endMs)),
    madeMs: Math.min(pin.madeMs, ...joined.map(({ madeMs }) => madeMs)),
  };
  return {
    remove: [...joined, ...others],
    add: [whole, ...others.flatMap((other) => without(other, pin))],
  };
}

/** What has to change so that `holder` protects nothing of `range`. Nothing if that is so already. */
export function planUnprotect(
  pins: readonly ProtectionRecord[],
  holder: string,
  range: Range,
): ProtectionChange {
  const remove = pins.filter((pin) => pin.holder === holder && overlaps(pin, range));
  return { remove, add: remove.flatMap((pin) => without(pin, range)) };
}

function saysTheSame(a: ProtectionRecord, b: ProtectionRecord): boolean {
  return a.reason === b.reason && a.expiresMs === b.expiresMs;
}

/** What is left of a pin when a range is taken out of it. */
function without(pin: ProtectionRecord, range: Range): ProtectionRecord[] {
  return [
    { ...pin, endMs: Math.min(pin.endMs, range.startMs) },
    { ...pin, startMs: Math.max(pin.startMs, range.endMs) },
  ].filter(({ startMs, endMs }) => startMs < endMs);
}

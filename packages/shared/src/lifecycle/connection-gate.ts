export interface GateLimits {
  /** Connections that have not authenticated yet. */
  readonly unauthenticated: number;
  /** The same from one address. A depot full of vehicles may share one, so not too low. */
  readonly unauthenticatedPerAddress: number;
  /** Authenticated sessions in all. */
  readonly sessions: number;
}

/** One connection's place in the counts. */
export interface Pass {
  /** The connection has authenticated; false if there are too many sessions already. */
  promote(): boolean;
  /** The connection is gone. May be called again. */
  leave(): void;
}

/** Why a connection was not let in. */
export type GateRefusal = 'too many connections' | 'too many connections from one address';

/** Counts connections, so that neither strangers nor a fleet in a loop can use up memory and descriptors. */
export class ConnectionGate {
  readonly #limits: GateLimits;
  readonly #byAddress = new Map<string, number>();
  #unauthenticated = 0;
  #sessions = 0;

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  enter(address: string): Pass | GateRefusal {
    const key = addressKey(address);
    const fromThere = this.#byAddress.get(key) ?? 0;
    if (this.#unauthenticated >= this.#limits.unauthenticated) return 'too many connections';
    if (fromThere >= this.#limits.unauthenticatedPerAddress) return 'too many connections from one address';
    this.#unauthenticated++;
    this.#byAddress.set(key, fromThere + 1);
    let state: 'waiting' | 'session' | 'gone' = 'waiting';
    const leaveWaiting = (): void => {
      this.#unauthenticated--;
      const left = (this.#byAddress.get(key) ?? 1) - 1;
      if (left > 0) this.#byAddress.set(key, left);
      else this.#byAddress.delete(key);
    };
    return {
      promote: () => {
        if (state !== 'waiting' || this.#sessions >= this.#limits.sessions) return false;
        leaveWaiting();
        state = 'session';
        this.#sessions++;
        return true;
      },
      leave: () => {
        if (state === 'waiting') leaveWaiting();
        if (state === 'session') this.#sessions--;
        state = 'gone';
      },
    };
  }
}

/** What counts as one address: an IPv4 address in either notation, or the /64 that an IPv6 host can pick from freely. */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...after];
  return all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':');
}

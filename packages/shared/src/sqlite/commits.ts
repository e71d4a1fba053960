/** How changes of a database become durable. Each `write` is synchronous, and fails or succeeds on its own. */
export interface Commits extends Disposable {
  /** Resolves once the change is durable. */
  write<T>(write: () => T): Promise<T>;
  /** As {@link write}, for what may wait for others: one commit for many. */
  writeLazily<T>(write: () => T): Promise<T>;
  /** As {@link write}, for what may take until the next snapshot where there are such. */
  writeInTime<T>(write: () => T): Promise<T>;
  /** For what can be had again after a crash: resolves as soon as it can be read, and may become durable later. */
  writeAhead<T>(write: () => T): Promise<T>;
}

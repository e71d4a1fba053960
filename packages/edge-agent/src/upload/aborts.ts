/**
 * Aborts `controller` with the reason of the first of `signals` that aborts; returns how to let go of them. In place of
 * `AbortSignal.any`, which on Node 20 keeps what it made alive for as long as a long-lived source.
 */
export function forwardAborts(signals: readonly AbortSignal[], controller: AbortController): () => void {
  const links = signals.map((signal) => {
    const forward = (): void => controller.abort(signal.reason);
    if (signal.aborted) forward();
    else signal.addEventListener('abort', forward, { once: true });
    return { signal, forward };
  });
  return () => {
    for (const { signal, forward } of links) signal.removeEventListener('abort', forward);
  };
}

/** What `promise` resolves to, or the signal's reason as soon as it aborts; the promise itself is not stopped. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let unlink = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    unlink = () => signal.removeEventListener('abort', onAbort);
  });
  // The loser of the race may still fail when nobody waits for it any more.
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    unlink();
  }
}

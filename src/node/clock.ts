/** Time in milliseconds, by a clock that nobody sets. A test hands in its own. */
export interface Clock {
  /** Since a moment that means nothing. */
  monotonic(): number
  /** Returns what cancels it. */
  setTimeout(callback: () => void, milliseconds: number): () => void
}

export const systemClock: Clock = {
  monotonic: () => performance.now(),
  setTimeout(callback, milliseconds) {
    const timer = setTimeout(callback, milliseconds)
    return () => clearTimeout(timer)
  },
}

/** Does `action`, whose signal is aborted after `milliseconds`, or when `outer` is. */
export async function within<T>(
  clock: Clock,
  milliseconds: number,
  action: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const limit = new AbortController()
  const follow = (): void => limit.abort(outer?.reason)
  if (outer?.aborted) follow()
  // Not AbortSignal.any: what that makes lives as long as `outer`, which may be as long as the peer.
  outer?.addEventListener('abort', follow, { once: true })
  const cancel = clock.setTimeout(() => limit.abort(new Error(`nothing within ${milliseconds} ms`)), milliseconds)
  try {
    return await action(limit.signal)
  } finally {
    cancel()
    outer?.removeEventListener('abort', follow)
  }
}

// Time as a value that can be replaced: everything that waits or measures takes a Clock, so that a
// test or a simulation drives hours in milliseconds. The only file that calls Date.now and setTimeout.

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds with a fraction, monotonic, of no particular origin. */
  now(): number
  /**
   * Milliseconds since 1970. For records people read, and to notice that the machine slept; no other
   * decision may depend on it.
   */
  wallMs(): number
  /** Calls `fn` once after `delayMs`. A timer never keeps the process alive on its own. */
  after(delayMs: number, fn: () => void): Timer
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, fn) {
    const timer = setTimeout(fn, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  }
}

/** Calls `fn` every `periodMs` until cancelled; the next period starts when `fn` has returned. */
export function every(clock: Clock, periodMs: number, fn: () => void): Timer {
  let timer: Timer | null = null
  let cancelled = false
  const arm = () => {
    timer = clock.after(periodMs, () => {
      fn()
      if (!cancelled) arm()
    })
  }
  arm()
  return {
    cancel() {
      cancelled = true
      timer?.cancel()
    }
  }
}

/** Resolves after `delayMs`, or rejects as soon as the signal aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Waits, without keeping the process alive; ends early when `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    letProcessEnd(timer)
    signal.addEventListener('abort', end)
  })
}

/** Only Node's timers keep a process alive, and can be told not to. */
export function letProcessEnd(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as NodeJS.Timeout).unref()
}

/**
 * How long to wait after `failures` failed attempts in a row, in milliseconds: a second, doubled each time up to `maxMs`, of which a random half is
 * left out, so that the APIs of an issuer that comes back do not all come at once. After none: under half a second.
 */
export function backoffMs(failures: number, maxMs: number): number {
  const fullMs = failures === 0 ? 500 : Math.min(1000 * 2 ** Math.min(failures - 1, 30), maxMs)
  return fullMs * (0.5 + Math.random() / 2)
}

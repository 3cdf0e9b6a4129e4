import type { Clock } from './clock.ts'

/** How far the clock may run away from the time that has really passed before what it says is not acted upon, in milliseconds. */
const toleranceMs = 3_600_000

/**
 * Tells whether the clock has gone as far since now as time has: false after it was set by more than an hour either way. For what deletes
 * by age, where a clock that is wrong for a moment must not do lasting harm. Does not know whether the clock was right at the start.
 */
export function steadiness(clock: Clock): () => boolean {
  const wall = clock.now()
  const elapsed = () => clock.elapsed?.() ?? performance.now()
  const start = elapsed()
  return () => Math.abs(clock.now() - wall - (elapsed() - start)) <= toleranceMs
}

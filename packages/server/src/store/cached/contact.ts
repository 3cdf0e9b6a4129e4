import type { EpochMs } from '@latchkey/protocol'
import type { Clock } from '../../kernel/clock.ts'

/** How long what is in memory is believed without contact to the database, in milliseconds. */
export const maxSilenceMs: number = 15 * 60_000

/** Whether the database was in contact lately, so that what is in memory can be believed. */
export interface Contact {
  /** It was, at this moment, and everything that changed before is known. */
  confirm(asOf: EpochMs): void
  isRecent(): boolean
}

/** Begins in contact. Goes by the clock and by the time that really passed, whichever is longer: a clock set back prolongs nothing. */
export function contact(clock: Clock, silenceMs: number = maxSilenceMs): Contact {
  let wall: number = clock.now()
  let monotonic = performance.now()
  return {
    confirm(asOf) {
      wall = asOf
      monotonic = performance.now()
    },
    isRecent: () => Math.max(clock.now() - wall, performance.now() - monotonic) <= silenceMs,
  }
}

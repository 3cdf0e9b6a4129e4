import type { EpochMs } from '@latchkey/protocol'

/** The only source of the time of day. Tests hand in one that they set. */
export interface Clock {
  /** Milliseconds since 1970, an integer. May step backwards: nothing that must only grow relies on it alone. */
  now(): EpochMs
  /** Milliseconds that have passed, whatever is done to the time of day; `performance.now` where it is absent. */
  elapsed?(): number
}

export const systemClock: Clock = {
  now: () => Date.now() as EpochMs,
}

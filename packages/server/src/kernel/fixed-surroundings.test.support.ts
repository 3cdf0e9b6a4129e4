import { createHash } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

/** 2026-11-23T12:00:00Z, on an exact second. */
export const startMs: EpochMs = Date.UTC(2026, 10, 23, 12) as EpochMs

/** A clock that stands still until a test sets it, backwards too. */
export interface SettableClock extends Clock {
  set(now: number): void
  advance(ms: number): void
}

export function settableClock(start: number = startMs): SettableClock {
  let now = start
  return {
    now: () => now as EpochMs,
    set: (to) => {
      now = to
    },
    advance: (ms) => {
      now += ms
    },
  }
}

/** Bytes that depend on nothing but the seed. */
export function seededRandom(seed: string): Random {
  let block = 0
  let pool = Buffer.alloc(0)
  return {
    bytes(length) {
      while (pool.length < length)
        pool = Buffer.concat([pool, createHash('sha256').update(`${seed} ${block++}`).digest()])
      const out = Uint8Array.from(pool.subarray(0, length))
      pool = pool.subarray(length)
      return out
    },
  }
}

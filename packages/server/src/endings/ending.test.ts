import type { EpochMs } from '@latchkey/protocol'
import { expect, test } from 'vitest'
import { dueThreshold } from './ending.ts'

const day = 86_400_000
const end = 1000 * day

/** Days before the end, days that it lives in all, and what is due. */
const cases: readonly (readonly [before: number, life: number | undefined, due: number | undefined])[] = [
  [31, 90, undefined],
  [30, 90, 30],
  [29.9, undefined, 30],
  [7.1, 90, 30],
  [7, 90, 7],
  [1.5, 90, 7],
  [1, 90, 1],
  [0.001, 90, 1],
  [0, 90, undefined],
  [-1, 90, undefined],
  // Never that far away.
  [29, 30, undefined],
  [7, 30, 7],
  [7, 7, undefined],
  [1, 7, 1],
  [0.5, 1, undefined],
]

test.each(cases)('%s days before the end of %s: %s', (before, life, due) => {
  const since = life === undefined ? undefined : ((end - life * day) as EpochMs)
  expect(dueThreshold({ endsAt: end as EpochMs, since }, (end - before * day) as EpochMs)).toBe(due)
})

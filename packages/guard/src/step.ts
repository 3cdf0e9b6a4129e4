import type { RefusalReason } from './refusal.ts'

/** What one step of judging a token returns: a value to go on with, or the reason to stop. */
export type Step<T> = Passed<T> | Failed

export interface Passed<T> {
  readonly ok: true
  readonly value: T
}

export interface Failed {
  readonly ok: false
  readonly reason: RefusalReason
  readonly detail?: string
}

export function pass<T>(value: T): Passed<T> {
  return { ok: true, value }
}

export function fail(reason: RefusalReason, detail?: string): Failed {
  return detail === undefined ? { ok: false, reason } : { ok: false, reason, detail }
}

import type { EpochMs } from '@latchkey/protocol'
import { addressPrefix } from '../../http/address-prefix.ts'
import type { TokenEvent } from './token-events.ts'

/** How many refusals of callers who did not authenticate are recorded one by one, in each window. */
export interface DenialBudgetOptions {
  readonly windowMs: number
  readonly perPrefix: number
  readonly total: number
}

export const defaultDenialBudget: DenialBudgetOptions = { windowMs: 60_000, perPrefix: 120, total: 1200 }

/** Keeps strangers from filling the disk: beyond the budget their refusals are counted, and the counts recorded. */
export interface DenialBudget {
  /** Whether this refusal is to be recorded by itself; when not, it has been counted. */
  spend(address: string, reason: string, now: EpochMs): boolean
  /** What was counted since the last call, as one event; `undefined` when nothing was. */
  summary(now: EpochMs): TokenEvent | undefined
}

/** How many prefixes a summary names. */
const namedPrefixes = 10

export function denialBudget(options: DenialBudgetOptions = defaultDenialBudget): DenialBudget {
  let windowStart = 0
  let total = 0
  let byPrefix = new Map<string, number>()
  let uncounted = { since: 0, count: 0, reasons: new Map<string, number>(), prefixes: new Map<string, number>() }
  return {
    spend(address, reason, now) {
      if (now - windowStart >= options.windowMs || now < windowStart) {
        windowStart = now
        total = 0
        byPrefix = new Map()
      }
      const prefix = addressPrefix(address)
      const spent = byPrefix.get(prefix) ?? 0
      if (total < options.total && spent < options.perPrefix) {
        total++
        byPrefix.set(prefix, spent + 1)
        return true
      }
      if (uncounted.count === 0) uncounted.since = now
      uncounted.count++
      uncounted.reasons.set(reason, (uncounted.reasons.get(reason) ?? 0) + 1)
      // A flood from everywhere must not fill the memory instead of the disk.
      if (uncounted.prefixes.has(prefix) || uncounted.prefixes.size < 1000) {
        uncounted.prefixes.set(prefix, (uncounted.prefixes.get(prefix) ?? 0) + 1)
      }
      return false
    },
    summary(now) {
      if (uncounted.count === 0) return undefined
      const { since, count, reasons, prefixes } = uncounted
      uncounted = { since: 0, count: 0, reasons: new Map(), prefixes: new Map() }
      const busiest = [...prefixes].toSorted((a, b) => b[1] - a[1]).slice(0, namedPrefixes)
      return {
        event: 'denials.aggregated',
        at: now,
        requestId: '',
        clientId: '',
        address: '',
        details: { since, count, reasons: Object.fromEntries(reasons), prefixes: Object.fromEntries(busiest) },
      }
    },
  }
}

import type { EpochMs } from '@latchkey/protocol'
import { addressPrefix } from '../../http/address-prefix.ts'

export interface GuessLimitOptions {
  readonly windowMs: number
  /** Failures from one address prefix, whatever they tried, before further failures are answered with 429. */
  readonly perPrefix: number
  /** Wrong guesses at one secret of one client from one address before that secret is not looked at any more from there. */
  readonly perSecret: number
  /** Keys remembered at most. */
  readonly maxKeys: number
}

export const defaultGuessLimit: GuessLimitOptions = {
  windowMs: 60_000,
  perPrefix: 100,
  perSecret: 10,
  maxKeys: 100_000,
}

/**
 * Limits guessing without ever locking a client. A client is never refused for what others did: failures from its address change
 * only how other failures are answered, and a secret is left unread only from an address that has guessed wrongly at that very secret, whose id
 * nobody knows who does not hold it or a copy of it.
 */
export interface GuessLimit {
  /** Whether wrong guesses at this secret from this address have been too many. */
  isBlocked(clientId: string, credentialId: string, address: string, now: EpochMs): boolean
  /** Counts a failure; answers whether its prefix has had too many. `credentialId` only when the client has such a secret. */
  countFailure(clientId: string, credentialId: string | undefined, address: string, now: EpochMs): boolean
  /** Whether failures from this address's prefix have been too many. */
  isThrottled(address: string, now: EpochMs): boolean
  /** Seconds until a throttled caller may try again. */
  retryAfterSeconds(now: EpochMs): number
}

/** Fixed windows: at most twice the limit in any span of one window's length, one number a key, and all memory given back with each window. */
export function guessLimit(options: GuessLimitOptions = defaultGuessLimit): GuessLimit {
  let windowStart = 0
  let failures = new Map<string, number>()

  function turn(now: EpochMs): void {
    if (now - windowStart < options.windowMs && now >= windowStart) return
    windowStart = now
    failures = new Map()
  }
  function count(key: string): number {
    const before = failures.get(key)
    if (before === undefined && failures.size >= options.maxKeys) return options.perPrefix + 1
    failures.set(key, (before ?? 0) + 1)
    return (before ?? 0) + 1
  }
  return {
    isBlocked(clientId, credentialId, address, now) {
      turn(now)
      return (failures.get(secretKey(clientId, credentialId, address)) ?? 0) >= options.perSecret
    },
    isThrottled(address, now) {
      turn(now)
      return (failures.get(addressPrefix(address)) ?? 0) > options.perPrefix
    },
    countFailure(clientId, credentialId, address, now) {
      turn(now)
      if (credentialId !== undefined) count(secretKey(clientId, credentialId, address))
      return count(addressPrefix(address)) > options.perPrefix
    },
    retryAfterSeconds: (now) => Math.max(1, Math.ceil((windowStart + options.windowMs - now) / 1000)),
  }
}

function secretKey(clientId: string, credentialId: string, address: string): string {
  return `${clientId} ${credentialId} ${address}`
}

import { isDeepStrictEqual } from 'node:util'
import type { Client } from '../clients/client.ts'
import { done, type Result } from '../kernel/result.ts'
import type { NetworkRules } from '../network-policy/network-policy.ts'
import {
  readNetworkRules,
  type NetworkMistake,
  type WrittenNetworkRules,
} from '../network-policy/read-network-rules.ts'

/** Where a client shall call from; `lifted`: from anywhere. */
export type DeclaredNetwork = WrittenNetworkRules | 'lifted'

/** The rules that a client will have; where the declaration is silent, those that it has. */
export function networkAfter(
  before: Client | undefined,
  declared: DeclaredNetwork | undefined,
): Result<NetworkRules | undefined, NetworkMistake> {
  if (declared === undefined) return done(before?.network?.rules)
  return declared === 'lifted' ? done(undefined) : readNetworkRules(declared)
}

export function isSameNetwork(before: Client, declared: DeclaredNetwork | undefined): boolean {
  const after = networkAfter(before, declared)
  return after.ok && isDeepStrictEqual(before.network?.rules, after.value)
}

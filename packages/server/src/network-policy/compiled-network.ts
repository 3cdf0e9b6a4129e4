import type { EndpointPattern, EpochMs, NetworkClaim } from '@latchkey/protocol'
import type { AddressSet } from './address-set.ts'
import type { NetworkMode, NetworkPolicyId, NetworkRules } from './network-policy.ts'

/** `not_covered`: anybody may call from anywhere. `would_refuse`: it passes, because the policy only reports. */
export type NetworkVerdict = 'not_covered' | 'allowed' | 'would_refuse' | 'not_allowed'

/** A policy that restricts, as the token path reads it. */
export interface CompiledNetwork {
  readonly id: NetworkPolicyId
  readonly mode: NetworkMode
  readonly rules: NetworkRules
  readonly coversTokenEndpoint: boolean
  /** What is covered of an API; undefined: nothing. */
  coverageOf(api: string): 'all' | readonly EndpointPattern[] | undefined
  phaseAt(now: EpochMs): NetworkPhase
  /** Whether a caller at the token endpoint is where it may be. An address that is none is nowhere. */
  atTokenEndpoint(address: string, now: EpochMs): NetworkVerdict
  claimFor(apis: readonly NamedAudience[], now: EpochMs): NetworkClaimAt
}

/** What holds until the next entry ends. */
export interface NetworkPhase {
  readonly addresses: AddressSet
  readonly version: number
  readonly beginsAt: EpochMs
  readonly endsAt: EpochMs | undefined
  /** When addresses go: the end of the first entry that no other makes up for. */
  readonly shrinksAt: EpochMs | undefined
  /** Made once for each set of APIs, by their names. */
  readonly claims: Map<string, NetworkClaimAt>
}

export interface NamedAudience {
  readonly name: string
  readonly audience: string
}

/** What a token says, and what its `exp` must not pass. */
export interface NetworkClaimAt {
  readonly claim: NetworkClaim
  readonly endsAt: EpochMs | undefined
}

import type { Brand, EpochMs } from '@latchkey/protocol'

/** Names a policy in tokens and at `GET /oauth2/resource-server`. Random, and not the client_id. */
export type NetworkPolicyId = Brand<string, 'NetworkPolicyId'>

/** `report`: what would be refused is recorded, and passes. */
export type NetworkMode = 'enforce' | 'report'

/** Addresses that are allowed. */
export interface AllowedAddress {
  /** In its one spelling. */
  readonly cidr: string
  /** For the team: whose it is. */
  readonly note: string | undefined
  /** A whole second. From then on it is as if it were not there. */
  readonly endsAt: EpochMs | undefined
}

/** What is covered; whatever is not may be called from anywhere. */
export interface NetworkCoverage {
  readonly tokenEndpoint: boolean
  /** Sorted by name. */
  readonly apis: readonly CoveredApi[]
}

export interface CoveredApi {
  /** Of the resource server. */
  readonly name: string
  /** Patterns (`POST /configurations/**`) of the calls that are covered; undefined: all. */
  readonly endpoints: readonly string[] | undefined
}

/** Where a client may call from. */
export interface NetworkRules {
  readonly mode: NetworkMode
  /** Sorted by CIDR, each once. */
  readonly allow: readonly AllowedAddress[]
  /** Undefined: the token endpoint and every API, those that it is granted later too. */
  readonly covers: NetworkCoverage | undefined
}

/** The rules of one client, as the registry keeps them. */
export interface NetworkPolicy {
  readonly id: NetworkPolicyId
  /** Grows with every change, as a generation does: max(previous + 1, now in ms). See `versionAt`. */
  readonly version: number
  /** Undefined: they were lifted. The policy stays on record, for tokens that name it. */
  readonly rules: NetworkRules | undefined
}

/** A policy that restricts somebody. */
export type RestrictingPolicy = NetworkPolicy & { readonly rules: NetworkRules }

export function restricts(policy: NetworkPolicy | undefined): policy is RestrictingPolicy {
  return policy?.rules !== undefined
}

/** The entries that count at this moment. */
export function entriesAt({ allow }: NetworkRules, now: EpochMs): AllowedAddress[] {
  return allow.filter(({ endsAt }) => endsAt === undefined || endsAt > now)
}

/** When what is allowed changes by itself, ascending. */
export function endsOf({ allow }: NetworkRules): EpochMs[] {
  return [...new Set(allow.flatMap(({ endsAt }) => endsAt ?? []))].toSorted((a, b) => a - b)
}

/**
 * The version that verifiers see: an entry that ends makes a new one without a write, so that whoever keeps the older asks again. Never above that of
 * any later change, which is made at a later moment.
 */
export function versionAt({ version, rules }: NetworkPolicy, now: EpochMs): number {
  const passed = rules === undefined ? [] : endsOf(rules).filter((end) => end <= now)
  return Math.max(version, ...passed)
}

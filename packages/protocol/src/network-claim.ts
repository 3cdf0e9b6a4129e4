/*
 * Where a client may call from, as it travels in its tokens and in the document of a resource server. Written by the server, enforced by guard and gate.
 */

/** Name of the private claim (RFC 7519 §4.3) that carries a {@link NetworkClaim}. */
export const networkClaim = 'lk_network'

/** Ranges that a token carries at most; beyond it names the policy. */
export const maxNetworkClaimRanges = 32

/**
 * What a client's network policy means at an API. In a token for one audience it is carried whole; with several audiences, or beyond
 * {@link maxNetworkClaimRanges}, by reference for each audience. `unrestricted` is said explicitly: a token without the claim says nothing, and is refused where a rule
 * asks for an allowed address.
 */
export type NetworkClaim = UnrestrictedNetwork | NetworkRestriction | ReferredNetworks

export type UnrestrictedNetwork = 'unrestricted'

export interface NetworkRestriction {
  /** CIDRs in their one spelling, none within another; an empty list allows nobody. */
  readonly allow: readonly string[]
  /** Patterns (`POST /configurations/**`) of the calls that it covers; absent: every call of this API. */
  readonly endpoints?: readonly string[]
  /** Present: what would be refused is reported, and passes. */
  readonly report_only?: true
}

export interface ReferredNetworks {
  /** By audience. An audience that is not named here refuses the token. */
  readonly policies: Readonly<Record<string, UnrestrictedNetwork | NetworkPolicyReference>>
}

export interface NetworkPolicyReference {
  readonly id: string
  /** Grows with every change of the policy. A verifier that knows a lower one asks again; a higher one is newer and fine. */
  readonly version: number
}

/** A policy as `GET /oauth2/resource-server?policy=ID` answers it, for the API that asks. */
export interface ResolvedNetworkPolicy extends NetworkPolicyReference {
  readonly restriction: UnrestrictedNetwork | NetworkRestriction
}

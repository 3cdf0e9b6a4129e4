import type { ResolvedNetworkPolicy } from './network-claim.ts'

/** What an API has to know of itself: `GET /oauth2/resource-server`, authenticated by a resource server's credential (Basic). */
export interface ResourceServerDocument {
  readonly resource_server: string
  readonly audience: string
  /** In the order in which they are tried: the first that matches decides. What none matches is refused where rules are used. */
  readonly endpoint_rules: readonly EndpointRule[]
  /** Grows with every change of the rules. */
  readonly version: number
}

/** What one kind of call needs. */
export interface EndpointRule {
  /** `POST /configurations/**`. */
  readonly endpoint: string
  /** All of these, in full (`configurations/configurations.write`); empty: any token of this API. */
  readonly scopes: readonly string[]
  /** The token has to say where its client may call from; one without the claim is refused. */
  readonly allowed_ip?: true
  /** The token has to be bound to a certificate (RFC 8705 §3). */
  readonly certificate?: true
}

/** `GET /oauth2/resource-server?policy=ID`: 404 for a policy that is not there or has nothing to do with this API. */
export type NetworkPolicyDocument = ResolvedNetworkPolicy

import type { EpochMs } from '@latchkey/protocol'
import type { ClientId } from '../clients/client.ts'
import type { ResourceServerRule } from './endpoint-rules.ts'

/** One scope that a resource server offers. */
export interface ResourceServerScope {
  /** Without the resource server's prefix: `configurations.read`. */
  readonly name: string
  readonly description: string
}

/** An API and what may be granted at it. */
export interface ResourceServer {
  /** The prefix of its scopes; unique. */
  readonly name: string
  /** An absolute URI without fragment, unique: `aud` of its tokens and its `resource` (RFC 8707 §2). */
  readonly audience: string
  /** Never in a default grant and never in a token with another resource server. */
  readonly exclusive: boolean
  /** Sorted by name. */
  readonly scopes: readonly ResourceServerScope[]
  /** Upper bound on the life of tokens for it, in seconds. */
  readonly tokenTtlSeconds: number | undefined
  /** What its calls need; empty: it says nothing of them here. */
  readonly endpointRules: readonly ResourceServerRule[]
  /** Grows by one with every change of them. */
  readonly endpointRulesVersion: number
  /** The client_id with which it introspects, once it has a credential. */
  readonly clientId: ClientId | undefined
  readonly createdAt: EpochMs
  readonly updatedAt: EpochMs
  readonly revision: number
}

import type { Brand, EpochMs, Scope } from '@latchkey/protocol'
import type { NetworkPolicy } from '../network-policy/network-policy.ts'
import type { ClientAuthentication } from './authentication.ts'
import type { ScopeEnds } from './scope-ends.ts'

/** Server-made, `[A-Za-z0-9-]`; public. Also the `sub` of every token of this client. */
export type ClientId = Brand<string, 'ClientId'>

/**
 * What may authenticate at the OAuth endpoints: a partner's program, or a resource server, which may introspect tokens meant for it
 * and gets none of its own.
 */
export type ClientKind = 'client' | 'resource-server'

export type ClientState = 'enabled' | 'disabled'

/** A client as the registry keeps it. */
export interface Client {
  readonly clientId: ClientId
  /** For people; need not be unique. */
  readonly name: string
  readonly kind: ClientKind
  /** Set when `kind` is `resource-server`: whose credential this is. */
  readonly resourceServer: string | undefined
  readonly state: ClientState
  readonly authentication: ClientAuthentication
  /** Granted scopes, sorted. */
  readonly scopes: readonly Scope[]
  /** Names granted scopes only. */
  readonly scopeEnds: ScopeEnds
  /** Whom to write to about its credentials: an e-mail address. */
  readonly contactAddress: string | undefined
  /** Where it may call from; undefined: from anywhere, and that was never different. */
  readonly network: NetworkPolicy | undefined
  /** Upper bound on the life of its tokens, in seconds; the resource server's may be lower. */
  readonly tokenTtlSeconds: number | undefined
  readonly createdAt: EpochMs
  readonly updatedAt: EpochMs
  /** Grows by one with every change. */
  readonly revision: number
}

/** Whether this has the form of a client_id. Does not check that there is such a client. */
export function isClientIdForm(value: string): value is ClientId {
  return /^[A-Za-z0-9-]{1,64}$/.test(value)
}

import type { Scope } from '@latchkey/protocol'
import type { ClientAuthentication } from '../clients/authentication.ts'
import type { ClientId, ClientState } from '../clients/client.ts'
import type { ScopeEnds } from '../clients/scope-ends.ts'
import type { ResourceServerRule } from '../resource-servers/endpoint-rules.ts'
import type { ResourceServerScope } from '../resource-servers/resource-server.ts'
import type { DeclaredNetwork } from './declared-network.ts'

/** What the registry shall be: validated, every default filled in. */
export interface Declaration {
  /** Undefined when the document has no such section: then nothing is said about resource servers. */
  readonly resourceServers: readonly DeclaredResourceServer[] | undefined
  /** Likewise. */
  readonly clients: readonly DeclaredClient[] | undefined
}

export interface DeclaredResourceServer {
  readonly name: string
  readonly audience: string
  readonly exclusive: boolean
  readonly tokenTtlSeconds: number | undefined
  readonly scopes: readonly ResourceServerScope[]
  /** Undefined: as they are; a new one has none. */
  readonly endpointRules: readonly ResourceServerRule[] | undefined
}

export interface DeclaredClient {
  readonly clientId: ClientId
  readonly name: string
  /** Undefined: as it is; a new one is enabled. */
  readonly state: ClientState | undefined
  /** Undefined: as it is; a new one authenticates by secret. */
  readonly authentication: ClientAuthentication | undefined
  readonly tokenTtlSeconds: number | undefined
  readonly scopes: readonly Scope[]
  /** Undefined: as they are, and a new client's scopes have none. */
  readonly scopeEnds: ScopeEnds | undefined
  /** Undefined: as it is; a new client has none. */
  readonly contactAddress: string | undefined
  /** Undefined: as it is; a new client may call from anywhere. */
  readonly network: DeclaredNetwork | undefined
}

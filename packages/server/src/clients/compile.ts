import { resourceServerOf, type EpochMs, type Scope } from '@latchkey/protocol'
import { scopeSet } from '../policy/scope-set.ts'
import type { ResourceServer } from '../resource-servers/resource-server.ts'
import type { Client, ClientId, ClientKind, ClientState } from './client.ts'
import type { Credential, CredentialId, CredentialReference, Generation } from './credential.ts'

/** What the token path needs of a resource server. */
export interface CompiledResourceServer {
  readonly name: string
  readonly audience: string
  readonly exclusive: boolean
  readonly tokenTtlSeconds: number | undefined
}

export interface CompiledCredential {
  readonly id: CredentialId
  readonly reference: CredentialReference
  readonly generation: Generation
  readonly expiresAt: EpochMs | undefined
  readonly revokedAt: EpochMs | undefined
}

export interface CompiledSecret extends CompiledCredential {
  /** HMAC-SHA-256, 32 bytes. */
  readonly digest: Uint8Array
  readonly digestKeyId: string
}

/** A set of scopes with what follows from it, made once and shared by every token that carries it. */
export interface ScopeSet {
  readonly scopes: readonly Scope[]
  /** The `scope` claim. */
  readonly text: string
  /** The `aud` claim: audiences in the order of the scopes, a string when there is one. */
  readonly audience: string | readonly string[]
  /** The lowest lifetime that one of the resource servers asks for. */
  readonly tokenTtlSeconds: number | undefined
}

/** A client as the token path knows it: immutable, with everything looked up beforehand. */
export interface CompiledClient {
  readonly clientId: ClientId
  readonly kind: ClientKind
  readonly resourceServer: string | undefined
  readonly state: ClientState
  readonly tokenTtlSeconds: number | undefined
  readonly secrets: ReadonlyMap<string, CompiledSecret>
  readonly local: CompiledCredential
  /** Every granted scope with its resource server. */
  readonly grants: ReadonlyMap<Scope, CompiledResourceServer>
  /** What a call without `scope` and `resource` gets: all grants but the exclusive ones. */
  readonly defaultGrant: ScopeSet
}

/** Everything that the store knows of one client, read in one transaction. */
export interface ClientRecord {
  readonly client: Client
  readonly credentials: readonly Credential[]
  /** The resource servers of its granted scopes. */
  readonly resourceServers: readonly ResourceServer[]
}

/** Turns the store's record into what the token path reads. Throws when the record contradicts itself. */
export function compileClient(record: ClientRecord): CompiledClient {
  const { client, credentials } = record
  const servers = new Map(record.resourceServers.map((server) => [server.name, compileResourceServer(server)]))
  const grants = new Map<Scope, CompiledResourceServer>()
  for (const scope of client.scopes) {
    const server = servers.get(resourceServerOf(scope) ?? '')
    if (server === undefined) throw new Error(`client ${client.clientId} holds ${scope}, whose resource server is not registered`)
    grants.set(scope, server)
  }
  const local = credentials.find((credential) => credential.kind === 'local')
  if (local === undefined) throw new Error(`client ${client.clientId} has no local credential`)
  return {
    clientId: client.clientId,
    kind: client.kind,
    resourceServer: client.resourceServer,
    state: client.state,
    tokenTtlSeconds: client.tokenTtlSeconds,
    secrets: new Map(credentials.flatMap((credential) => compileSecret(credential))),
    local,
    grants,
    defaultGrant: scopeSet([...grants].filter(([, server]) => !server.exclusive)),
  }
}

function compileResourceServer(server: ResourceServer): CompiledResourceServer {
  return {
    name: server.name,
    audience: server.audience,
    exclusive: server.exclusive,
    tokenTtlSeconds: server.tokenTtlSeconds,
  }
}

function compileSecret(credential: Credential): [string, CompiledSecret][] {
  const { id, reference, generation, expiresAt, revokedAt, digest, digestKeyId } = credential
  if (digest === undefined || digestKeyId === undefined) return []
  return [[id, { id, reference, generation, expiresAt, revokedAt, digest: Buffer.from(digest, 'base64url'), digestKeyId }]]
}

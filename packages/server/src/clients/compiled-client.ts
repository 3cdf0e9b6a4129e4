import type { EpochMs, Scope } from '@latchkey/protocol'
import type { CompiledNetwork } from '../network-policy/compiled-network.ts'
import type { ClientAuthentication } from './authentication.ts'
import type { RegisteredSubject } from './client-certificate.ts'
import type { ClientId, ClientKind, ClientState } from './client.ts'
import type { CredentialId, CredentialReference, Generation } from './credential.ts'

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

/** A certificate that the authority issued. */
export interface CompiledCertificate extends CompiledCredential {
  readonly notBefore: EpochMs
}

/** A name under an anchor that is not ours. */
export type CompiledSubject = CompiledCredential & Pick<RegisteredSubject, 'subjectKind' | 'subject' | 'anchor'>

/** A set of scopes with what follows from it, made once and shared by every token that carries it. */
export interface ScopeSet {
  readonly scopes: readonly Scope[]
  /** The `scope` claim. */
  readonly text: string
  /** The `aud` claim: audiences in the order of the scopes, a string when there is one. */
  readonly audience: string | readonly string[]
  /** The resource servers of the scopes, in their order. */
  readonly servers: readonly CompiledResourceServer[]
  /** The lowest lifetime that one of the resource servers asks for. */
  readonly tokenTtlSeconds: number | undefined
  /** When the first of the scopes ends; undefined: none does. */
  readonly endsAt: EpochMs | undefined
}

/** A client as the token path knows it: immutable, with everything looked up beforehand. */
export interface CompiledClient {
  readonly clientId: ClientId
  readonly kind: ClientKind
  readonly resourceServer: string | undefined
  readonly state: ClientState
  readonly authentication: ClientAuthentication
  readonly tokenTtlSeconds: number | undefined
  readonly secrets: ReadonlyMap<string, CompiledSecret>
  /** By `x5t#S256`. */
  readonly certificates: ReadonlyMap<string, CompiledCertificate>
  /** By the whole SubjectPublicKeyInfo, base64url. */
  readonly registeredKeys: ReadonlyMap<string, CompiledCredential>
  /** Those in force first. */
  readonly registeredSubjects: readonly CompiledSubject[]
  readonly local: CompiledCredential
  /** Undefined: it may call from anywhere. */
  readonly network: CompiledNetwork | undefined
  /** Every granted scope with its resource server. */
  readonly grants: ReadonlyMap<Scope, CompiledResourceServer>
  /** Until when scopes are granted, those of {@link grants} that end. */
  readonly scopeEnds: ReadonlyMap<Scope, EpochMs>
  /** What a call without `scope` and `resource` gets: all grants but the exclusive ones. */
  readonly defaultGrant: ScopeSet
}

import type { Brand, EpochMs } from '@latchkey/protocol'
import type { ClientId } from './client.ts'

/** Names a credential to people, and inside its secret. Unique over all clients. */
export type CredentialId = Brand<string, 'CredentialId'>

/**
 * Names a credential inside tokens and in the public revocation feed. Random, and derived from nothing: a token shows neither
 * which secret made it nor, across feeds, whose it is.
 */
export type CredentialReference = Brand<string, 'CredentialReference'>

/**
 * Counts a credential's endings: max(previous + 1, now in ms). A token carries the generation it was made with, and verifiers refuse
 * one below the published minimum; no clock is compared.
 */
export type Generation = Brand<number, 'Generation'>

/**
 * `secret`: authenticates at the OAuth endpoints. `certificate`: one that the authority issued; its endings are in here, the rest is in
 * `certificate-authority/`. `registered-key`: the key of a certificate that the client made itself. `registered-subject`: a name in certificates of a foreign authority. `local`: built in, one per client, for
 * `latchkey token get`; authenticates nowhere.
 */
export type CredentialKind = 'secret' | 'certificate' | 'registered-key' | 'registered-subject' | 'local'

/** A credential as the registry keeps it. Never holds the secret, only its keyed digest. */
export interface Credential {
  readonly id: CredentialId
  readonly reference: CredentialReference
  readonly clientId: ClientId
  readonly kind: CredentialKind
  readonly name: string
  readonly generation: Generation
  /** HMAC-SHA-256 of the whole secret, base64url, under the data key `digestKeyId`. Absent for `local`. */
  readonly digest: string | undefined
  readonly digestKeyId: string | undefined
  /** The credential that it was rotated from; `--compromised` follows this line downwards. */
  readonly parentId: CredentialId | undefined
  readonly createdAt: EpochMs
  readonly expiresAt: EpochMs | undefined
  readonly revokedAt: EpochMs | undefined
  /** Written behind, so up to a second late. */
  readonly lastUsedAt: EpochMs | undefined
}

/** The generation after `previous`; grows even when the clock stands still or steps back. */
export function nextGeneration(previous: Generation | 0, now: EpochMs): Generation {
  return Math.max(previous + 1, now) as Generation
}

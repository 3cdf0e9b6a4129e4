import { timingSafeEqual } from 'node:crypto'
import { formatClientSecret, secretRandomLength, type EpochMs } from '@latchkey/protocol'
import { randomBase62 } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import type { ClientId } from './client.ts'
import { nextGeneration, type Credential, type CredentialId, type CredentialReference } from './credential.ts'

/** What making credentials needs. */
export interface CredentialMaker {
  readonly random: Random
  readonly dataKeys: DataKeys
  /** The `<env>` of secrets. */
  readonly environment: string
}

export interface SecretOptions {
  readonly name: string
  readonly now: EpochMs
  readonly expiresAt?: EpochMs | undefined
  readonly parentId?: CredentialId | undefined
}

/** A new secret in clear, to be handed out once, and its credential, to be stored. */
export interface NewSecret {
  readonly clientSecret: string
  readonly credential: Credential
}

const idLength = 16
const referenceLength = 16

/** Makes a secret of 256 random bits. The digest is keyed, not slow: there is nothing to guess. */
export function makeSecret(maker: CredentialMaker, clientId: ClientId, options: SecretOptions): NewSecret {
  const id = randomBase62(maker.random, idLength) as CredentialId
  const clientSecret = formatClientSecret(maker.environment, id, randomBase62(maker.random, secretRandomLength))
  const digestKeyId = maker.dataKeys.current('secret-hmac')
  return {
    clientSecret,
    credential: {
      ...blankCredential(maker, clientId, id, options),
      kind: 'secret',
      digest: digestSecret(maker.dataKeys, digestKeyId, clientSecret).toString('base64url'),
      digestKeyId,
    },
  }
}

/** Makes the built-in credential under which `latchkey token get` issues. It cannot authenticate: it has no secret. */
export function makeLocalCredential(maker: CredentialMaker, clientId: ClientId, now: EpochMs): Credential {
  const id = randomBase62(maker.random, idLength) as CredentialId
  return blankCredential(maker, clientId, id, { name: 'token get', now })
}

/** HMAC-SHA-256 of the whole secret under the data key `digestKeyId`. */
export function digestSecret(dataKeys: DataKeys, digestKeyId: string, clientSecret: string): Buffer {
  return dataKeys.hmac('secret-hmac', digestKeyId, clientSecret)
}

/** Makes the credential of a certificate. It has no secret: who has the private key proves it in the handshake. */
export function makeCertificateCredential(
  maker: CredentialMaker,
  clientId: ClientId,
  options: SecretOptions,
): Credential {
  const id = randomBase62(maker.random, idLength) as CredentialId
  return { ...blankCredential(maker, clientId, id, options), kind: 'certificate' }
}

/** Compares digests in constant time. */
export function sameDigest(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

function blankCredential(
  maker: CredentialMaker,
  clientId: ClientId,
  id: CredentialId,
  options: SecretOptions,
): Credential {
  return {
    id,
    reference: randomBase62(maker.random, referenceLength) as CredentialReference,
    clientId,
    kind: 'local',
    name: options.name,
    generation: nextGeneration(0, options.now),
    digest: undefined,
    digestKeyId: undefined,
    parentId: options.parentId,
    createdAt: options.now,
    expiresAt: options.expiresAt,
    revokedAt: undefined,
    lastUsedAt: undefined,
  }
}

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import type { EpochMs, JsonWebKeySet, PublicSigningKey } from '@latchkey/protocol'
import { Fault } from '../kernel/faults.ts'
import type { DataKeys } from './data-keys.ts'
import { seal, unseal } from './sealing.ts'

/** `token`: access tokens, published in the JWKS. `audit-checkpoint`: never published to partners. */
export type SigningKeyPurpose = 'token' | 'audit-checkpoint'

/**
 * `standby`: published, does not sign yet, so that every verifier knows it when it does. `active`: signs. `retired`: published until its
 * last token has expired. `revoked`: its tokens are refused.
 */
export type SigningKeyState = 'standby' | 'active' | 'retired' | 'revoked'

/** A signing key at rest: the private half is sealed under the data key `dataKeyId`. */
export interface SealedSigningKey {
  readonly kid: string
  readonly purpose: SigningKeyPurpose
  readonly algorithm: 'ES256' | 'Ed25519'
  readonly state: SigningKeyState
  /** Public JWK (RFC 7517), as JSON. */
  readonly publicJwk: string
  readonly sealedPrivateKey: string
  readonly dataKeyId: string
  readonly createdAt: EpochMs
  readonly activatedAt: EpochMs | undefined
  readonly retiredAt: EpochMs | undefined
}

export interface SigningKey {
  readonly kid: string
  readonly algorithm: 'ES256' | 'Ed25519'
  readonly state: SigningKeyState
  readonly createdAt: EpochMs
  readonly activatedAt: EpochMs | undefined
  readonly publicJwk: Readonly<Record<string, string>>
  readonly publicKey: KeyObject
  /** A prepared private KeyObject: parsing PEM on every signature costs five times the signature. */
  readonly privateKey: KeyObject
}

/** The opened keys: what signs, what is published, what checks the audit log. */
export interface SigningKeyRing {
  readonly active: SigningKey
  readonly checkpoint: SigningKey
  /** Every token key that is not revoked, by kid: a token under any other is refused. */
  readonly accepted: ReadonlyMap<string, SigningKey>
  readonly all: readonly SigningKey[]
  readonly jwks: JsonWebKeySet
}

/** Makes a key pair; `kid` is its RFC 7638 thumbprint. */
export async function createSigningKey(
  purpose: SigningKeyPurpose,
  state: 'active' | 'standby',
  dataKeys: DataKeys,
  now: EpochMs,
): Promise<SealedSigningKey> {
  const { publicKey, privateKey } =
    purpose === 'token' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
  const jwk = publicKey.export({ format: 'jwk' })
  const kid = await calculateJwkThumbprint(jwk)
  const dataKeyId = dataKeys.current('sealing')
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' })
  return {
    kid,
    purpose,
    algorithm: purpose === 'token' ? 'ES256' : 'Ed25519',
    state,
    publicJwk: JSON.stringify(jwk),
    sealedPrivateKey: seal(dataKeys.sealingKey(dataKeyId), 'signing-key', kid, pkcs8),
    dataKeyId,
    createdAt: now,
    activatedAt: state === 'active' ? now : undefined,
    retiredAt: undefined,
  }
}

/** Opens the ring. Throws a Fault when a key does not open or an active one is missing. */
export function openSigningKeys(rows: readonly SealedSigningKey[], dataKeys: DataKeys): SigningKeyRing {
  const opened = rows.map((row) => ({ row, key: openSigningKey(row, dataKeys) }))
  const tokenKeys = opened.filter(({ row }) => row.purpose === 'token').map(({ key }) => key)
  const active = tokenKeys.find((key) => key.state === 'active')
  const checkpoint = opened.find(({ row }) => row.purpose === 'audit-checkpoint' && row.state === 'active')?.key
  if (active === undefined || checkpoint === undefined) throw damaged('an active signing key is missing')
  const accepted = tokenKeys.filter((key) => key.state !== 'revoked')
  return {
    active,
    checkpoint,
    accepted: new Map(accepted.map((key) => [key.kid, key])),
    all: tokenKeys,
    jwks: { keys: accepted.map((key) => publish(key)) },
  }
}

function openSigningKey(row: SealedSigningKey, dataKeys: DataKeys): SigningKey {
  const pkcs8 = unseal(dataKeys.sealingKey(row.dataKeyId), 'signing-key', row.kid, row.sealedPrivateKey)
  if (pkcs8 === undefined) throw damaged(`signing key ${row.kid} does not open`)
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  // Derived from the private half: a public key that was swapped in the database is never published.
  const publicKey = createPublicKey(privateKey)
  const publicJwk = publicKey.export({ format: 'jwk' }) as Record<string, string>
  const { kid, algorithm, state, createdAt, activatedAt } = row
  return { kid, algorithm, state, createdAt, activatedAt, publicJwk, publicKey, privateKey }
}

function publish(key: SigningKey): PublicSigningKey {
  const { kty = '', ...parameters } = key.publicJwk
  return { ...parameters, kty, kid: key.kid, alg: 'ES256', use: 'sig' }
}

function damaged(message: string): Fault {
  return new Fault('keys.missing', message, 'restore the database from a backup; keys are never made anew')
}

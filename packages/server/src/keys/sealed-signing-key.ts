import { createPrivateKey, createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto'
import type { EpochMs, SigningAlgorithm } from '@latchkey/protocol'
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

/** What a row says about its key. */
export interface SigningKeyFacts {
  readonly kid: string
  readonly purpose: SigningKeyPurpose
  /** By its JWS name; checkpoints are no JWS, and their key is named by its curve. */
  readonly algorithm: SigningAlgorithm | 'Ed25519'
  readonly state: SigningKeyState
  readonly createdAt: EpochMs
  readonly activatedAt: EpochMs | undefined
  readonly retiredAt: EpochMs | undefined
  readonly revokedAt: EpochMs | undefined
}

/**
 * A signing key at rest. `sealedPrivateKey` holds the private half, or nothing once the key does not sign any more, under the data key `dataKeyId`; every
 * other column is authenticated with it. So whoever writes to the database can neither change a state nor bring in a key; a copy of the
 * whole row from an earlier day does open.
 */
export interface SealedSigningKey extends SigningKeyFacts {
  /** Public JWK (RFC 7517), as JSON. */
  readonly publicJwk: string
  readonly sealedPrivateKey: string
  readonly dataKeyId: string
}

/** A row that was opened. */
export interface OpenedSigningKey {
  readonly publicKey: KeyObject
  /** Undefined once the key does not sign any more. A prepared KeyObject: parsing PEM on every signature costs five times the signature. */
  readonly privateKey: KeyObject | undefined
  /** Whether the row was written before states were authenticated, and should be sealed anew. */
  readonly isOldForm: boolean
}

/** Seals a row with what it says about itself. */
export function sealSigningKey(
  facts: SigningKeyFacts,
  publicJwk: string,
  privateKey: KeyObject | undefined,
  dataKeys: DataKeys,
): SealedSigningKey {
  const dataKeyId = dataKeys.current('sealing')
  const pkcs8 = privateKey?.export({ format: 'der', type: 'pkcs8' }) ?? Buffer.alloc(0)
  const name = canonical(facts, publicJwk, dataKeyId)
  const sealedPrivateKey = seal(dataKeys.sealingKey(dataKeyId), 'signing-key-row', name, pkcs8)
  return { ...facts, publicJwk, sealedPrivateKey, dataKeyId }
}

/** Opens a row. Throws Fault `keys.altered` when it is not as it was written, `config.invalid` when this Node.js lacks its algorithm. */
export function openSigningKey(row: SealedSigningKey, dataKeys: DataKeys): OpenedSigningKey {
  const sealingKey = dataKeys.sealingKey(row.dataKeyId)
  const name = canonical(row, row.publicJwk, row.dataKeyId)
  const pkcs8 = unseal(sealingKey, 'signing-key-row', name, row.sealedPrivateKey)
  if (pkcs8?.length === 0) {
    // Without a private half the column itself is the authority: it is authenticated like all others.
    const jwk = JSON.parse(row.publicJwk) as JsonWebKeyInput['key']
    return { publicKey: createPublicKey({ key: jwk, format: 'jwk' }), privateKey: undefined, isOldForm: false }
  }
  if (pkcs8 !== undefined) return { ...openPair(pkcs8, row), isOldForm: false }
  const oldForm = isPossiblyOld(row) ? unseal(sealingKey, 'signing-key', row.kid, row.sealedPrivateKey) : undefined
  if (oldForm !== undefined) return { ...openPair(oldForm, row), isOldForm: true }
  throw new Fault(
    'keys.altered',
    `signing key ${row.kid} is not as it was written: its state or another column was changed in the database`,
    'find out who can write to the database, and restore it from a backup',
  )
}

/** The version that sealed private halves alone knew neither retired nor revoked keys, and one algorithm. */
function isPossiblyOld({ purpose, algorithm, state, retiredAt, revokedAt }: SigningKeyFacts): boolean {
  return (
    algorithm === (purpose === 'token' ? 'ES256' : 'Ed25519') &&
    (state === 'active' || state === 'standby') &&
    retiredAt === undefined &&
    revokedAt === undefined
  )
}

function openPair(
  pkcs8: Buffer,
  { kid, algorithm }: SigningKeyFacts,
): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  try {
    const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
    return { publicKey: createPublicKey(privateKey), privateKey }
  } catch (error) {
    // Made by a newer Node.js: what was sealed is whole, or it would not have opened.
    throw new Fault(
      'config.invalid',
      `this Node.js (${process.version}) cannot use the ${algorithm} key ${kid}`,
      'start a Node.js that is built with OpenSSL 3.5',
      { cause: error },
    )
  }
}

function canonical(facts: SigningKeyFacts, publicJwk: string, dataKeyId: string): string {
  const { kid, purpose, algorithm, state, createdAt, activatedAt, retiredAt, revokedAt } = facts
  const times = [createdAt, activatedAt ?? null, retiredAt ?? null, revokedAt ?? null]
  return JSON.stringify([kid, purpose, algorithm, state, ...times, publicJwk, dataKeyId])
}

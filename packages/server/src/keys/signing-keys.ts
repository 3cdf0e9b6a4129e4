import type { KeyObject } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import type { EpochMs, JsonWebKeySet, PublicSigningKey, SigningAlgorithm } from '@latchkey/protocol'
import { Fault } from '../kernel/faults.ts'
import { generateSigningKeyPair, type KeyPair } from './algorithms.ts'
import type { DataKeys } from './data-keys.ts'
import {
  openSigningKey,
  sealSigningKey,
  type SealedSigningKey,
  type SigningKeyFacts,
  type SigningKeyPurpose,
} from './sealed-signing-key.ts'

/** A key for tokens as far as verifying goes. */
export interface SigningKey extends SigningKeyFacts {
  readonly algorithm: SigningAlgorithm
  readonly publicKey: KeyObject
}

/** A key that may sign tokens. */
export interface TokenSigningKey extends SigningKey {
  readonly privateKey: KeyObject
}

/** The key that signs checkpoints of the audit log. */
export interface CheckpointKey {
  readonly kid: string
  readonly privateKey: KeyObject
  /** By kid, every key that ever signed checkpoints, this one included: what an earlier one signed stays genuine. */
  readonly verifiers: ReadonlyMap<string, KeyObject>
}

/** The opened keys: what signs, what is published, what checks the audit log. */
export interface SigningKeyRing {
  readonly active: TokenSigningKey
  readonly checkpoint: CheckpointKey
  /** Every token key that is not revoked, by kid: a token under any other is refused. */
  readonly accepted: ReadonlyMap<string, SigningKey>
  readonly all: readonly SigningKey[]
  readonly jwks: JsonWebKeySet
}

/** Makes a key for tokens, of the pair that was generated for it. */
export function createTokenKey(
  algorithm: SigningAlgorithm,
  pair: KeyPair,
  state: 'active' | 'standby',
  dataKeys: DataKeys,
  now: EpochMs,
): Promise<SealedSigningKey> {
  return createSigningKey('token', algorithm, pair, state, dataKeys, now)
}

/** Makes the key that signs checkpoints: Ed25519, whatever signs tokens. */
export async function createCheckpointKey(dataKeys: DataKeys, now: EpochMs): Promise<SealedSigningKey> {
  return createSigningKey('audit-checkpoint', 'Ed25519', await generateSigningKeyPair('EdDSA'), 'active', dataKeys, now)
}

/** `kid` is the RFC 7638 thumbprint; for ML-DSA as RFC 9964 §6 says. */
async function createSigningKey(
  purpose: SigningKeyPurpose,
  algorithm: SigningAlgorithm | 'Ed25519',
  { publicKey, privateKey }: KeyPair,
  state: 'active' | 'standby',
  dataKeys: DataKeys,
  now: EpochMs,
): Promise<SealedSigningKey> {
  const jwk = publicKey.export({ format: 'jwk' })
  const facts: SigningKeyFacts = {
    kid: await calculateJwkThumbprint(jwk),
    purpose,
    algorithm,
    state,
    createdAt: now,
    activatedAt: state === 'active' ? now : undefined,
    retiredAt: undefined,
    revokedAt: undefined,
  }
  return sealSigningKey(facts, JSON.stringify(jwk), privateKey, dataKeys)
}

/** Opens the ring. Throws Fault `keys.altered` when a row is not as it was written, `keys.missing` when no key can sign. */
export function openSigningKeys(rows: readonly SealedSigningKey[], dataKeys: DataKeys): SigningKeyRing {
  const tokenKeys: SigningKey[] = []
  const actives: TokenSigningKey[] = []
  const verifiers = new Map<string, KeyObject>()
  let checkpoint: Omit<CheckpointKey, 'verifiers'> | undefined
  for (const row of rows) {
    const { kid, algorithm, state } = row
    const { publicKey, privateKey } = openSigningKey(row, dataKeys)
    if (algorithm === 'Ed25519') {
      if (state !== 'revoked') verifiers.set(kid, publicKey)
      if (state !== 'active' || privateKey === undefined) continue
      if (checkpoint !== undefined) throw notOneActive()
      checkpoint = { kid, privateKey }
      continue
    }
    const key = { ...factsOf(row), algorithm, publicKey }
    tokenKeys.push(key)
    if (state === 'active' && privateKey !== undefined) actives.push({ ...key, privateKey })
  }
  const [active, ...others] = actives
  if (active === undefined || others.length > 0 || checkpoint === undefined) throw notOneActive()
  const accepted = tokenKeys.filter((key) => key.state !== 'revoked')
  return {
    active,
    checkpoint: { ...checkpoint, verifiers },
    accepted: new Map(accepted.map((key) => [key.kid, key])),
    all: tokenKeys,
    jwks: { keys: accepted.map((key) => publish(key)) },
  }
}

function factsOf(row: SealedSigningKey): SigningKeyFacts {
  const { kid, purpose, algorithm, state, createdAt, activatedAt, retiredAt, revokedAt } = row
  return { kid, purpose, algorithm, state, createdAt, activatedAt, retiredAt, revokedAt }
}

function publish({ kid, algorithm, publicKey }: SigningKey): PublicSigningKey {
  // Derived from the private half as long as there is one: a public key that was swapped in the database is never published.
  const { kty = '', ...parameters } = publicKey.export({ format: 'jwk' }) as Record<string, string>
  return { ...parameters, kty, kid, alg: algorithm, use: 'sig' }
}

function notOneActive(): Fault {
  return new Fault(
    'keys.missing',
    'the database does not hold exactly one key that signs tokens and one that signs checkpoints',
    'restore the database from a backup; keys are never made anew',
  )
}

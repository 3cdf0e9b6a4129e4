import type { SigningAlgorithm } from '@latchkey/protocol'
import type { Clock } from '../kernel/clock.ts'
import { Fault } from '../kernel/faults.ts'
import type { Random } from '../kernel/random.ts'
import { generateSigningKeyPair, requireAlgorithm } from './algorithms.ts'
import { createDataKey, dataKeyPurposes, openDataKeys, type DataKeys } from './data-keys.ts'
import type { MasterKey } from './master-key.ts'
import type { KeyStore } from './ports.ts'
import { openSigningKey, sealSigningKey } from './sealed-signing-key.ts'
import { createCheckpointKey, createTokenKey, openSigningKeys, type SigningKeyRing } from './signing-keys.ts'

export interface OpenedKeys {
  readonly dataKeys: DataKeys
  readonly signingKeys: SigningKeyRing
}

/**
 * Opens all keys, making the first ones in a database that never had any: data keys, an active and a standby token key of `algorithm`, the key for
 * audit checkpoints. Throws a Fault when keys are missing from a database that had them or were altered in it, the master key is another, or this
 * Node.js lacks the algorithm.
 */
export async function openKeys(
  store: KeyStore,
  masterKey: MasterKey,
  random: Random,
  clock: Clock,
  algorithm: SigningAlgorithm = 'ES256',
): Promise<OpenedKeys> {
  await requireAlgorithm(algorithm)
  let rows = await store.loadDataKeys()
  if (rows.length === 0) {
    const now = clock.now()
    rows = dataKeyPurposes.map((purpose) => createDataKey(masterKey, purpose, random, now))
    const dataKeys = openDataKeys(masterKey, rows)
    const signingKeys = await Promise.all([
      createTokenKey(algorithm, await generateSigningKeyPair(algorithm), 'active', dataKeys, now),
      createTokenKey(algorithm, await generateSigningKeyPair(algorithm), 'standby', dataKeys, now),
      createCheckpointKey(dataKeys, now),
    ])
    if (!(await store.installFirstKeys(rows, signingKeys))) rows = await store.loadDataKeys()
    // Another process may have been first; but a database that had keys once and has none now has lost them.
    if (rows.length === 0) {
      throw new Fault(
        'keys.missing',
        'the database has lost its keys',
        'restore it from a backup; keys are never made anew',
      )
    }
  }
  const dataKeys = openDataKeys(masterKey, rows)
  return { dataKeys, signingKeys: openSigningKeys(await loadSealedAnew(store, dataKeys), dataKeys) }
}

/** Loads the signing keys; rows of a version that did not authenticate their states are sealed in today's form. */
async function loadSealedAnew(store: KeyStore, dataKeys: DataKeys) {
  const rows = await store.loadSigningKeys()
  const old = rows.filter((row) => openSigningKey(row, dataKeys).isOldForm)
  for (const row of old) {
    const { publicKey, privateKey } = openSigningKey(row, dataKeys)
    // The old form did not authenticate the public half: it follows from the private one.
    const publicJwk = JSON.stringify(publicKey.export({ format: 'jwk' }))
    const { kid, purpose, algorithm, state, createdAt, activatedAt, retiredAt, revokedAt } = row
    const facts = { kid, purpose, algorithm, state, createdAt, activatedAt, retiredAt, revokedAt }
    await store.resealSigningKey(row, sealSigningKey(facts, publicJwk, privateKey, dataKeys))
  }
  return old.length === 0 ? rows : store.loadSigningKeys()
}

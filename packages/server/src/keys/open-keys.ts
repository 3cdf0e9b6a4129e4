import type { Clock } from '../kernel/clock.ts'
import { Fault } from '../kernel/faults.ts'
import type { Random } from '../kernel/random.ts'
import { createDataKey, dataKeyPurposes, openDataKeys, type DataKeys, type SealedDataKey } from './data-keys.ts'
import type { MasterKey } from './master-key.ts'
import { createSigningKey, openSigningKeys, type SealedSigningKey, type SigningKeyRing } from './signing-keys.ts'

/** The port of this room. */
export interface KeyStore {
  /** Whether this database never had keys: only then may a master key be made for it. */
  isNew(): Promise<boolean>
  loadDataKeys(): Promise<SealedDataKey[]>
  loadSigningKeys(): Promise<SealedSigningKey[]>
  /** Stores the first keys of a new installation; answers false, and stores nothing, when there ever were any. */
  installFirstKeys(dataKeys: readonly SealedDataKey[], signingKeys: readonly SealedSigningKey[]): Promise<boolean>
}

export interface OpenedKeys {
  readonly dataKeys: DataKeys
  readonly signingKeys: SigningKeyRing
}

/**
 * Opens all keys, making the first ones in a database that never had any: data keys, an active and a standby token key, the key for audit
 * checkpoints. Throws a Fault when keys are missing from a database that had them, or the master key is another.
 */
export async function openKeys(
  store: KeyStore,
  masterKey: MasterKey,
  random: Random,
  clock: Clock,
): Promise<OpenedKeys> {
  let rows = await store.loadDataKeys()
  if (rows.length === 0) {
    const now = clock.now()
    rows = dataKeyPurposes.map((purpose) => createDataKey(masterKey, purpose, random, now))
    const dataKeys = openDataKeys(masterKey, rows)
    const signingKeys = await Promise.all([
      createSigningKey('token', 'active', dataKeys, now),
      createSigningKey('token', 'standby', dataKeys, now),
      createSigningKey('audit-checkpoint', 'active', dataKeys, now),
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
  return { dataKeys, signingKeys: openSigningKeys(await store.loadSigningKeys(), dataKeys) }
}

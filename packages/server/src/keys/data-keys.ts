import { createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import { Fault } from '../kernel/faults.ts'
import { randomLowercase } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import type { MasterKey } from './master-key.ts'
import { seal, unseal } from './sealing.ts'

/** `secret-hmac`: digests of client secrets. `sealing`: private keys at rest. `audit-mac`: the chain over the audit log. */
export const dataKeyPurposes = ['secret-hmac', 'sealing', 'audit-mac'] as const
export type DataKeyPurpose = (typeof dataKeyPurposes)[number]

/** A data key at rest. */
export interface SealedDataKey {
  readonly id: string
  readonly purpose: DataKeyPurpose
  readonly sealed: string
  readonly createdAt: EpochMs
}

interface DataKey {
  readonly id: string
  readonly purpose: DataKeyPurpose
  readonly bytes: Uint8Array
  readonly key: KeyObject
}

/** The opened data keys. Rows name the key they used, so that older ones stay readable after a newer one took over. */
export interface DataKeys {
  /** The newest key of this purpose, for writing. */
  current(purpose: DataKeyPurpose): string
  /** HMAC-SHA-256 under the key `id`, 32 bytes. Throws for an unknown id or one of another purpose. */
  hmac(purpose: 'secret-hmac' | 'audit-mac', id: string, ...parts: (string | Uint8Array)[]): Buffer
  /** The bytes of a `sealing` key. */
  sealingKey(id: string): Uint8Array
}

/** Makes one data key, sealed under the master key with its own id as authenticated name. */
export function createDataKey(
  masterKey: MasterKey,
  purpose: DataKeyPurpose,
  random: Random,
  now: EpochMs,
): SealedDataKey {
  const id = `${purpose}-${randomLowercase(random, 12)}`
  return { id, purpose, sealed: seal(masterKey, 'data-key', id, randomBytes(32)), createdAt: now }
}

/** Opens every data key. Throws a Fault when the master key is not the one that sealed them, or a purpose has none. */
export function openDataKeys(masterKey: MasterKey, rows: readonly SealedDataKey[]): DataKeys {
  const keys = new Map<string, DataKey>()
  const newest = new Map<DataKeyPurpose, string>()
  for (const row of [...rows].toSorted((a, b) => a.createdAt - b.createdAt)) {
    const bytes = unseal(masterKey, 'data-key', row.id, row.sealed)
    // The id begins with the purpose and is authenticated: a row that was relabelled does not open as something else.
    if (bytes === undefined || !row.id.startsWith(`${row.purpose}-`)) throw wrongMasterKey(row.id)
    keys.set(row.id, { id: row.id, purpose: row.purpose, bytes, key: createSecretKey(bytes) })
    newest.set(row.purpose, row.id)
  }
  for (const purpose of dataKeyPurposes) if (!newest.has(purpose)) throw missing(purpose)

  const find = (purpose: DataKeyPurpose, id: string): DataKey => {
    const key = keys.get(id)
    if (key === undefined || key.purpose !== purpose) throw missing(`${purpose} ${id}`)
    return key
  }
  return {
    current(purpose) {
      const id = newest.get(purpose)
      if (id === undefined) throw missing(purpose)
      return id
    },
    hmac(purpose, id, ...parts) {
      const hmac = createHmac('sha256', find(purpose, id).key)
      for (const part of parts) hmac.update(part)
      return hmac.digest()
    },
    sealingKey: (id) => find('sealing', id).bytes,
  }
}

/** Whether the master key is the one that these keys are sealed under, all of them. */
export function opensDataKeys(masterKey: MasterKey, rows: readonly SealedDataKey[]): boolean {
  return rows.every((row) => unseal(masterKey, 'data-key', row.id, row.sealed) !== undefined)
}

/** The same keys sealed under another master key. Throws Fault `master_key.wrong` when `current` does not open one of them. */
export function rewrapDataKeys(
  current: MasterKey,
  next: MasterKey,
  rows: readonly SealedDataKey[],
): readonly SealedDataKey[] {
  return rows.map((row) => {
    const bytes = unseal(current, 'data-key', row.id, row.sealed)
    if (bytes === undefined) throw wrongMasterKey(row.id)
    return { ...row, sealed: seal(next, 'data-key', row.id, bytes) }
  })
}

function wrongMasterKey(id: string): Fault {
  return new Fault(
    'master_key.wrong',
    `the master key does not open data key ${id}`,
    'start with the master key that this data directory was made with, or the one that `latchkey master-key rotate` made since (LATCHKEY_MASTER_KEY or LATCHKEY_MASTER_KEY_FILE)',
  )
}

function missing(what: string): Fault {
  return new Fault(
    'keys.missing',
    `data key missing: ${what}`,
    'restore the database from a backup; keys are never made anew',
  )
}

import { timingSafeEqual } from 'node:crypto'
import { Fault } from '../kernel/faults.ts'
import { dataKeyPurposes, openDataKeys, type DataKeys, type SealedDataKey } from '../keys/data-keys.ts'
import type { MasterKey } from '../keys/master-key.ts'
import { backupMac } from './backup-mac.ts'
import type { BackupHeader } from './format.ts'
import type { BackupValue } from './ports.ts'
import { invalid, readBackup } from './read-backup.ts'

/** A backup that was made by an installation with this master key, and was not changed since. */
export interface VerifiedBackup {
  readonly file: string
  readonly header: BackupHeader
  readonly rows: number
  /** Of everything before the end: whoever reads the file again compares it. */
  readonly contentSha256: Buffer
  readonly dataKeys: DataKeys
}

const dataKeyTable = 'data_keys'

/**
 * Reads the whole backup and checks it: form, counts, MAC. The key of the MAC comes out of the backup itself, sealed under the master key: nobody
 * without that can have put one there. Throws Fault `backup.invalid`; changes nothing. Does not check that the schema is one that is known here.
 */
export async function verifyBackup(file: string, masterKey: MasterKey): Promise<VerifiedBackup> {
  const reading = readBackup(file)
  const counts = new Map<string, number>()
  const sealedKeys: SealedDataKey[] = []
  let header: BackupHeader | undefined
  let mac = ''
  let rows = 0
  for await (const line of reading.lines) {
    if (line.kind === 'header') header = line.header
    else if (line.kind === 'end') mac = line.mac
    else {
      rows++
      counts.set(line.table, (counts.get(line.table) ?? 0) + 1)
      if (line.table === dataKeyTable) sealedKeys.push(readDataKey(file, header, line.values))
    }
  }
  if (header === undefined) throw invalid(file, 'it has no header')
  const dataKeys = openKeysOf(file, masterKey, sealedKeys)
  const contentSha256 = reading.contentSha256()
  if (!isMacOf(dataKeys, header.key_id, contentSha256, mac))
    throw invalid(file, 'its MAC is wrong: something in it was changed')
  // After the MAC, these would be mistakes of ours.
  const wrong = header.tables.find(({ name, rows: expected }) => (counts.get(name) ?? 0) !== expected)
  if (wrong !== undefined) throw invalid(file, `it does not hold the ${wrong.rows} rows of ${wrong.name} that it says`)
  const unknown = [...counts.keys()].find((name) => !header.tables.some((table) => table.name === name))
  if (unknown !== undefined) throw invalid(file, `its header does not know the table ${unknown}`)
  return { file, header, rows, contentSha256, dataKeys }
}

function readDataKey(file: string, header: BackupHeader | undefined, values: readonly BackupValue[]): SealedDataKey {
  const columns = header?.tables.find(({ name }) => name === dataKeyTable)?.columns ?? []
  const row = Object.fromEntries(columns.map((column, index) => [column, values[index]]))
  const { id, purpose, sealed, created_at } = row
  const known = dataKeyPurposes.find((name) => name === purpose)
  if (typeof id !== 'string' || known === undefined || typeof sealed !== 'string' || typeof created_at !== 'number') {
    throw invalid(file, 'a data key in it is none')
  }
  return { id, purpose: known, sealed, createdAt: created_at as SealedDataKey['createdAt'] }
}

function openKeysOf(file: string, masterKey: MasterKey, rows: readonly SealedDataKey[]): DataKeys {
  try {
    return openDataKeys(masterKey, rows)
  } catch (error) {
    throw new Fault(
      'backup.invalid',
      `the master key does not open the keys in ${file}: it is another one, or the file was changed`,
      'restore with the master key that was in use when the backup was made; nothing was changed',
      { cause: error },
    )
  }
}

function isMacOf(dataKeys: DataKeys, keyId: string, contentSha256: Buffer, mac: string): boolean {
  let expected: Buffer
  try {
    expected = Buffer.from(backupMac(dataKeys, keyId, contentSha256))
  } catch {
    // A key that is not in it, or is for something else.
    return false
  }
  const given = Buffer.from(mac)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

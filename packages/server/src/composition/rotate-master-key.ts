import { existsSync } from 'node:fs'
import path from 'node:path'
import { chainRow } from '../audit/row-chain.ts'
import { sharedConfig, type Config } from '../config/config.ts'
import { withDefaults, type SettingValues } from '../config/settings.ts'
import { Fault } from '../kernel/faults.ts'
import { newRequestId } from '../kernel/ids.ts'
import { openDataKeys, opensDataKeys } from '../keys/data-keys.ts'
import { replaceMasterKeyFile } from '../keys/master-key-file.ts'
import { prepareNextMasterKey, rewrapUnder, settleMasterKey } from '../keys/rotate-master-key.ts'
import { isDevelopmentDirectory, openDataDirectory } from '../store/data-directory.ts'
import { lockDatabase } from '../store/database-lock.ts'
import { openStore } from '../store/open-store.ts'
import { masterKeySource } from './master-key-source.ts'
import type { Surroundings } from './surroundings.ts'

/** Where a server runs whose master key is rotated. */
export type MasterKeyPlace = Pick<Config, 'mode' | 'dataDirectory' | 'database' | 'masterKey'>

export interface RotatedMasterKey {
  /** How many data keys were sealed anew; 0 when a rotation that was cut off had done it already. */
  readonly dataKeys: number
  /** Holds the master key in force now. */
  readonly file: string
  /** Whether servers find it where they find the old one. */
  readonly isInPlace: boolean
  /** Holds the master key before: what backups until now need. Absent when that is where it always was. */
  readonly keptFile?: string
}

/** The place by the settings of `serve`, or of `dev` where that has made the data directory. Throws Fault `config.invalid`. */
export function masterKeyPlace(given: SettingValues): MasterKeyPlace {
  if (given.data_dir === undefined) {
    const remedy = 'set --data-dir or LATCHKEY_DATA_DIR to the data directory of the server'
    throw new Fault('config.invalid', 'no data directory is set', remedy)
  }
  const dataDirectory = path.resolve(given.data_dir)
  const mode = isDevelopmentDirectory(dataDirectory) ? 'dev' : 'serve'
  const { database, masterKey } = sharedConfig(withDefaults(given, mode), dataDirectory)
  if (masterKey === undefined && mode === 'serve') {
    const remedy = 'set LATCHKEY_MASTER_KEY_FILE (or LATCHKEY_MASTER_KEY) to the one in use'
    throw new Fault('config.invalid', 'no master key is set', remedy)
  }
  return { mode, dataDirectory, database, masterKey }
}

/**
 * Seals the data keys under a new master key, directly in the database: the key goes over no connection. An embedded database has to be at rest;
 * servers on PostgreSQL run on with the data keys that they have open, and need the new key when they start the next time. Throws a Fault, with the
 * old or the new key in force and its file there.
 */
export async function rotateMasterKey(
  place: MasterKeyPlace,
  newKeyFile: string | undefined,
  { clock, random }: Pick<Surroundings, 'clock' | 'random'>,
): Promise<RotatedMasterKey> {
  await using opened = new AsyncDisposableStack()
  const { database } = place
  if (database.kind === 'sqlite') {
    if (!existsSync(database.path)) {
      throw new Fault('keys.missing', `there is no database ${database.path}`, 'name the data directory of the server')
    }
    const directory = openDataDirectory(place.dataDirectory, { development: place.mode === 'dev' })
    opened.defer(() => directory.release())
    if (path.dirname(database.path) !== directory.path) {
      const lock = lockDatabase(database.path)
      opened.defer(() => lock.release())
    }
  }
  const store = await openStore(database)
  opened.defer(() => store.close())
  await store.requireCurrentSchema()

  const rows = await store.keys.loadDataKeys()
  if (rows.length === 0) {
    throw new Fault('keys.missing', 'the database has no keys yet', 'start the server once: it makes them')
  }
  const source = masterKeySource(place, false)
  const now = clock.now()
  // A rotation that was cut off is finished first; then there is one more.
  const { key: current } = settleMasterKey(source, rows, now)
  const next = prepareNextMasterKey(source, newKeyFile)
  const dataKeys = openDataKeys(opensDataKeys(next.key, rows) ? next.key : current, rows)
  const sealer = { keyId: () => dataKeys.current('audit-mac'), chain: chainRow.bind(undefined, dataKeys) }
  const change = store.changes(sealer, () => Promise.resolve())
  const context = { actor: 'command-line', requestId: newRequestId(random, now), now }
  const count = await rewrapUnder(next.key, current, change, context)
  const { file, replaces } = next
  if (replaces === undefined) return { dataKeys: count, file, isInPlace: false }
  return { dataKeys: count, file: replaces, isInPlace: true, keptFile: replaceMasterKeyFile(replaces, now) }
}

import path from 'node:path'
import { restore, type Restored } from '../backup/restore.ts'
import { sharedConfig, type Config } from '../config/config.ts'
import { withDefaults, type SettingValues } from '../config/settings.ts'
import { Fault } from '../kernel/faults.ts'
import { newRequestId } from '../kernel/ids.ts'
import { readMasterKey } from '../keys/master-key.ts'
import { isDevelopmentDirectory, openDataDirectory } from '../store/data-directory.ts'
import { lockDatabase } from '../store/database-lock.ts'
import { openStore } from '../store/open-store.ts'
import type { Surroundings } from './surroundings.ts'

export interface RestoreOptions {
  readonly file: string
  /** Whether an installation that is there may go. */
  readonly replace: boolean
}

/** What of a server's configuration a restore needs. */
export type RestorePlace = Pick<Config, 'mode' | 'dataDirectory' | 'database' | 'masterKey' | 'signingAlgorithm'>

/**
 * Where a server with these settings would run: as `dev` where `dev` has made the data directory, as `serve` otherwise. Throws Fault
 * `config.invalid`.
 */
export function restorePlace(given: SettingValues): RestorePlace {
  if (given.data_dir === undefined) {
    const remedy = 'set --data-dir or LATCHKEY_DATA_DIR to the data directory of the server'
    throw new Fault('config.invalid', 'no data directory is set', remedy)
  }
  const dataDirectory = path.resolve(given.data_dir)
  const mode = isDevelopmentDirectory(dataDirectory) ? 'dev' : 'serve'
  const { database, masterKey, signingAlgorithm } = sharedConfig(withDefaults(given, mode), dataDirectory)
  if (masterKey === undefined && mode === 'serve') {
    const remedy =
      'set LATCHKEY_MASTER_KEY_FILE (or LATCHKEY_MASTER_KEY) to the one that was in use when the backup was made'
    throw new Fault('config.invalid', 'no master key is set, and a backup holds none', remedy)
  }
  return { mode, dataDirectory, database, masterKey, signingAlgorithm }
}

/**
 * Restores a backup where a server with this configuration would run, and none does. Throws a Fault, having changed nothing in the database,
 * when the file, the master key, the database or the moment is not as it must be.
 */
export async function restoreBackup(
  place: RestorePlace,
  options: RestoreOptions,
  { clock, random }: Pick<Surroundings, 'clock' | 'random'>,
): Promise<Restored> {
  await using opened = new AsyncDisposableStack()
  const directory = openDataDirectory(place.dataDirectory, { development: place.mode === 'dev' })
  opened.defer(() => directory.release())
  // Never made here: only the one of the installation that was backed up opens what is in the backup.
  const masterKey = readMasterKey(masterKeySource(place))
  if (place.database.kind === 'sqlite' && path.dirname(place.database.path) !== directory.path) {
    const lock = lockDatabase(place.database.path)
    opened.defer(() => {
      lock.release()
    })
  }
  const store = await openStore(place.database)
  opened.defer(() => store.close())
  const actor = { actor: 'local-restore', requestId: newRequestId(random, clock.now()) }
  return await restore({
    ...options,
    masterKey,
    target: store.restore,
    clock,
    actor,
    algorithm: place.signingAlgorithm,
  })
}

function masterKeySource({ masterKey, dataDirectory }: RestorePlace) {
  if (masterKey?.kind === 'value') return { ...masterKey, name: 'LATCHKEY_MASTER_KEY' }
  if (masterKey?.kind === 'file') return masterKey
  return { kind: 'development-file', path: path.join(dataDirectory, 'master.key'), fresh: false } as const
}

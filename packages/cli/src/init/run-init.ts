import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import path from 'node:path'
import {
  describeError,
  loadSettings,
  makeMasterKey,
  openDataDirectory,
  productionConfig,
  readMasterKey,
  type SettingKey,
} from '@latchkey/server'
import { settings, type Setting } from '@latchkey/server/settings'
import { Failure, misuse } from '../failure.ts'
import { configFile } from './config-file.ts'

type Flags = Readonly<Partial<Record<SettingKey, string>>>

export interface InitOptions {
  readonly flags: Flags
  /** Where the configuration goes; `latchkey.config.yaml` here when absent. Everything else goes beside it unless a flag says otherwise. */
  readonly configFile: string | undefined
}

/** What {@link runInit} made; absolute paths. */
export interface Made {
  readonly configFile: string
  readonly dataDirectory: string
  readonly masterKeyFile: string
  /** False: it was there, for another server of the same database. */
  readonly madeMasterKey: boolean
  readonly issuer: string | undefined
}

/**
 * Makes what `latchkey serve` needs: data directory, master key, configuration. Overwrites nothing, and makes nothing at all when any of it cannot
 * be. Fails with `init.exists`; throws a Fault for settings that `serve` would refuse.
 */
export function runInit({ flags, configFile: named }: InitOptions): Made {
  const configPath = path.resolve(named ?? 'latchkey.config.yaml')
  const home = path.dirname(configPath)
  const dataDirectory = path.resolve(flags.data_dir ?? path.join(home, 'latchkey-data'))
  const masterKeyFile = path.resolve(flags.master_key_file ?? path.join(home, 'latchkey.master.key'))
  const values = { ...absolute(flags), data_dir: dataDirectory, master_key_file: masterKeyFile }

  const { values: parsed } = loadSettings({ flags: values, environment: {}, file: undefined })
  // Without an issuer everything else is judged all the same: it can still be written into the file.
  productionConfig({ issuer: 'https://issuer.invalid', ...parsed })
  if (isInside(masterKeyFile, dataDirectory)) {
    throw misuse(
      'the master key must not lie in the data directory: a backup of the directory would hold both',
      'name another place with --master-key-file',
    )
  }
  refuseExisting(configPath, 'name another with --config, or change it by hand')
  const madeMasterKey = !existsSync(masterKeyFile)
  if (flags.master_key_file === undefined) {
    refuseExisting(masterKeyFile, 'if it is the one to use, name it with --master-key-file')
  }
  if (!madeMasterKey) readMasterKey({ kind: 'file', path: masterKeyFile })

  openDataDirectory(dataDirectory, { development: false }).release()
  try {
    for (const file of [masterKeyFile, configPath]) mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    if (madeMasterKey) makeMasterKey(masterKeyFile)
    writeNew(configPath, configFile(values))
  } catch (error) {
    throw new Failure(2, 'init.cannot_write', describeError(error), 'choose places that this user may write to')
  }
  return { configFile: configPath, dataDirectory, masterKeyFile, madeMasterKey, issuer: flags.issuer }
}

/** Paths as they are from here: the server may be started somewhere else. */
function absolute(flags: Flags): Flags {
  return Object.fromEntries(
    Object.entries(flags).map(([key, value]) => {
      const { value: form }: Setting = settings[key as SettingKey]
      if (form === 'file' || form === 'directory' || form === 'path') return [key, path.resolve(value)]
      const database = /^sqlite:(.+)$/s.exec(value)?.[1]
      return [key, key === 'database_url' && database !== undefined ? `sqlite:${path.resolve(database)}` : value]
    }),
  )
}

function isInside(file: string, directory: string): boolean {
  const relative = path.relative(directory, file)
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative)
}

function refuseExisting(file: string, hint: string): void {
  if (existsSync(file))
    throw new Failure(1, 'init.exists', `${file} is there already, and nothing is overwritten`, hint)
}

/** For this user alone: the database URL in it may hold a password. */
function writeNew(file: string, text: string): void {
  const descriptor = openSync(file, 'wx', 0o600)
  try {
    writeSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

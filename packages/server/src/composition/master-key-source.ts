import path from 'node:path'
import type { Config } from '../config/config.ts'
import type { MasterKeySource } from '../keys/master-key.ts'

/** Where the master key is; `isNew` says that the database never had keys, so that `dev` may make one. */
export function masterKeySource(
  { masterKey, dataDirectory }: Pick<Config, 'masterKey' | 'dataDirectory'>,
  isNew: boolean,
): MasterKeySource {
  if (masterKey?.kind === 'value') return { ...masterKey, name: 'LATCHKEY_MASTER_KEY' }
  if (masterKey?.kind === 'file') return masterKey
  return { kind: 'development-file', path: path.join(dataDirectory, 'master.key'), fresh: isNew }
}

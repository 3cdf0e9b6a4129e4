import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { newDirectory, removeDirectory } from './latchkey-process.ts'
import { startServe, type ServeProcess } from './serve-process.ts'

/** Servers for production on one PostgreSQL database, as `latchkey init` would set them up: one master key, a data directory each. */
export interface PostgresInstallation {
  /** Starts a server; its data directory is `<directory>/<name>`. */
  start(name: string, args?: readonly string[]): Promise<ServeProcess>
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  /** Removes the directories. Servers have been stopped. */
  remove(): void
}

export function postgresInstallation(databaseUrl: string): PostgresInstallation {
  const directory = newDirectory()
  const masterKeyFile = path.join(directory, 'master.key')
  writeFileSync(masterKeyFile, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 })
  const environment = { LATCHKEY_DATABASE_URL: databaseUrl, LATCHKEY_MASTER_KEY_FILE: masterKeyFile }
  return {
    directory,
    environment,
    start(name, args = []) {
      const flags = ['--data-dir', path.join(directory, name), '--issuer', 'https://login.example.com']
      return startServe([...flags, '--environment', 'test', '--drain-delay', '0', ...args], environment)
    },
    remove: () => removeDirectory(directory),
  }
}

import { closeSync, existsSync, openSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describeError, Fault } from '../kernel/faults.ts'

/**
 * Locks a database that does not lie in the data directory, whose own lock would not see a second server on another directory: two processes
 * on one embedded database would each keep in memory what the other has changed. Ends with the process. Throws Fault `data_directory.locked`.
 */
export function lockDatabase(databasePath: string): { release(): void } {
  // The same file by whatever link.
  const real = existsSync(databasePath)
    ? realpathSync(databasePath)
    : path.join(realpathSync(path.dirname(databasePath)), path.basename(databasePath))
  const file = `${real}.lock`
  let lock: DatabaseSync | undefined
  try {
    // Only when it is missing: closing any descriptor of a file gives up this process's locks on it (POSIX).
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
    lock = new DatabaseSync(file, { timeout: 0 })
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    lock?.close()
    const isHeld = /locked|busy/i.test(describeError(error))
    throw new Fault(
      isHeld ? 'data_directory.locked' : 'store.unavailable',
      isHeld ? `another Latchkey is running on ${real}` : `cannot lock ${real}: ${describeError(error)}`,
      isHeld ? 'stop it, or choose another with --database-url' : 'make its directory writable for this user',
      { cause: error },
    )
  }
  const held = lock
  return { release: () => held.close() }
}

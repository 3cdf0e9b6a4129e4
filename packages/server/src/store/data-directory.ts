import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describeError, Fault } from '../kernel/faults.ts'

/** A data directory that this process alone uses. */
export interface DataDirectory {
  readonly path: string
  /** Whether nothing had been stored in it before. */
  readonly fresh: boolean
  release(): void
}

/** Marks a directory that `dev` made: its master key and authority are not for production. */
const developmentMarker = 'DEVELOPMENT'

/**
 * Opens and locks a data directory, making it (0700) when it is not there. Throws Fault `data_directory.unusable` or `.locked`, having changed
 * nothing. The lock is the operating system's: it ends with the process, however that ends.
 */
export function openDataDirectory(directory: string, options: { readonly development: boolean }): DataDirectory {
  const resolved = path.resolve(directory)
  const marker = path.join(resolved, developmentMarker)
  const marks = options.development && !existsSync(marker)
  // Before anything is touched: what carries the marker is what `--reset` removes, with all that is in it.
  if (marks) refuseForeign(resolved)
  try {
    mkdirSync(resolved, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw unusable(resolved, error)
  }
  const lock = takeLock(resolved)
  try {
    const { mode, uid } = statSync(resolved)
    if (uid === process.getuid?.() && (mode & 0o077) !== 0) chmodSync(resolved, 0o700)
    if (marks) {
      writeFileSync(marker, 'This directory was made by `latchkey dev`. `latchkey serve` refuses it.\n', {
        mode: 0o600,
      })
    }
  } catch (error) {
    lock.close()
    throw unusable(resolved, error)
  }
  const fresh = !existsSync(path.join(resolved, 'latchkey.db'))
  return { path: resolved, fresh, release: () => lock.close() }
}

/** Refuses a directory with anything in it but a lock, which a start that was cut off leaves behind. */
function refuseForeign(directory: string): void {
  let names: string[]
  try {
    names = existsSync(directory) ? readdirSync(directory) : []
  } catch (error) {
    throw unusable(directory, error)
  }
  if (names.every((name) => name === 'lock' || name === 'lock-journal')) return
  throw new Fault(
    'data_directory.unusable',
    `${directory} is not empty and was not made by \`latchkey dev\``,
    'choose an empty or another directory with --data-dir',
  )
}

/** Removes a development directory with everything in it, for `--reset`. Throws a Fault when it is in use or was not made by `dev`. */
export function resetDevelopmentDirectory(directory: string): void {
  const resolved = path.resolve(directory)
  if (!existsSync(resolved)) return
  if (!existsSync(path.join(resolved, developmentMarker))) {
    throw new Fault(
      'data_directory.unusable',
      `${resolved} was not made by \`latchkey dev\`, so --reset leaves it alone`,
      'choose another directory with --data-dir',
    )
  }
  takeLock(resolved).close()
  rmSync(resolved, { recursive: true })
}

/** Node has no file locks of its own; an exclusive transaction in an otherwise empty database is one. */
function takeLock(directory: string): DatabaseSync {
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(path.join(directory, 'lock'), { timeout: 0 })
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock?.close()
    if (/locked|busy/i.test(describeError(error))) {
      throw new Fault(
        'data_directory.locked',
        `another Latchkey is running on ${directory}`,
        'stop it, or choose another directory with --data-dir',
        { cause: error },
      )
    }
    throw unusable(directory, error)
  }
}

function unusable(directory: string, cause: unknown): Fault {
  return new Fault(
    'data_directory.unusable',
    `cannot use the data directory ${directory}: ${describeError(cause)}`,
    'make it writable for this user, or choose another with --data-dir or LATCHKEY_DATA_DIR',
    { cause },
  )
}

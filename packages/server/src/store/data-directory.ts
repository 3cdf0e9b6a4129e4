import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describeError, Fault } from '../kernel/faults.ts'

/** A data directory that this process alone uses. */
export interface DataDirectory {
  readonly path: string
  release(): void
}

/** Marks a directory that `dev` made: its master key and authority are not for production. */
const developmentMarker = 'DEVELOPMENT'
const developmentNotice = 'This directory was made by `latchkey dev`. `latchkey serve` refuses it.\n'

/** Marks a directory of `serve`, so that one with anything else in it is not taken for it. */
const productionMarker = 'PRODUCTION'
const productionNotice = 'This directory belongs to `latchkey serve`. `latchkey dev` refuses it.\n'

/** The lock, and what SQLite keeps beside it. */
const lockNames = /^lock(-journal|-wal|-shm)?$/

/** All that `dev` makes in its directory, and so all that `--reset` may remove. */
const madeNames = new RegExp(
  [
    lockNames.source,
    `^${developmentMarker}$`,
    /^(latchkey|configurations)\.db(-journal|-wal|-shm)?$/.source,
    /^configurations\.db\.guard\.json(\..*)?$/.source,
    /^(demo\.env|admin\.json)(\.new)?$/.source,
    /^(master\.key|audit|admin|mail|mtls)$/.source,
    // What rotating the master key leaves beside it.
    /^master\.key\.(next|partial|next\.partial|before-[0-9TZ]+)$/.source,
  ].join('|'),
)

/**
 * Opens and locks a data directory, making it (0700) when it is not there. `dev` and `serve` each refuse what the other made, and a directory with
 * anything of others in it; `serve` one that belongs to another user, too. Throws Fault `data_directory.unusable` or `.locked`, having changed
 * nothing. The lock is the operating system's: it ends with the process, however that ends.
 */
export function openDataDirectory(directory: string, options: { readonly development: boolean }): DataDirectory {
  const resolved = path.resolve(directory)
  const { development } = options
  const marker = path.join(resolved, development ? developmentMarker : productionMarker)
  if (!development) refuseForProduction(resolved)
  const marks = !existsSync(marker)
  // Before anything is touched: what carries the marker of `dev` is what `--reset` removes, with all that is in it.
  if (marks) refuseForeign(resolved, development ? 'dev' : 'serve')
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
      writeFileSync(marker, development ? developmentNotice : productionNotice, { mode: 0o600 })
    }
  } catch (error) {
    lock.close()
    throw unusable(resolved, error)
  }
  return { path: resolved, release: () => lock.close() }
}

/**
 * Refuses a file that lies in a directory of `dev`: a master key or database from there was never kept as production needs it.
 * Throws Fault `data_directory.unusable`.
 */
export function refuseDevelopmentFile(file: string, what: string): void {
  const real = existsSync(file) ? realpathSync(file) : path.resolve(file)
  if (!existsSync(path.join(path.dirname(real), developmentMarker))) return
  throw new Fault(
    'data_directory.unusable',
    `the ${what} ${file} was made by \`latchkey dev\`, and is not for production`,
    '`latchkey init` makes what production needs',
  )
}

function refuseForProduction(directory: string): void {
  if (existsSync(path.join(directory, developmentMarker))) {
    throw new Fault(
      'data_directory.unusable',
      `${directory} was made by \`latchkey dev\`, and its keys are not for production`,
      'choose another directory with --data-dir; `latchkey init` makes one',
    )
  }
  let uid: number | undefined
  try {
    uid = statSync(directory, { throwIfNoEntry: false })?.uid
  } catch (error) {
    throw unusable(directory, error)
  }
  const ours = process.geteuid?.()
  if (uid === undefined || uid === ours) return
  throw new Fault(
    'data_directory.unusable',
    `${directory} belongs to user ${uid}, and this is user ${ours}`,
    'start the server as that user, give the directory to this one (chown), or name a directory inside it, which is made then',
  )
}

/** Refuses a directory with anything in it but a lock, which a start that was cut off leaves behind. */
function refuseForeign(directory: string, command: 'dev' | 'serve'): void {
  try {
    if (!existsSync(directory) || isBare(directory)) return
  } catch (error) {
    throw unusable(directory, error)
  }
  throw new Fault(
    'data_directory.unusable',
    `${directory} is not empty and was not made by \`latchkey ${command}\``,
    'choose an empty or another directory with --data-dir',
  )
}

/** Whether `dev` has made this directory. */
export function isDevelopmentDirectory(directory: string): boolean {
  return existsSync(path.join(directory, developmentMarker))
}

/**
 * Removes what `dev` keeps in its directory, for `--reset`. Directory and lock stay: whoever waits for a lock that is removed would hold
 * nothing. Throws a Fault, having removed nothing, when it is in use, was not made by `dev`, or has anything else in it.
 */
export function resetDevelopmentDirectory(directory: string): void {
  if (!existsSync(directory)) return
  let lock: DatabaseSync | undefined
  try {
    const resolved = realpathSync(directory)
    if (isBare(resolved)) return
    refuseNotMade(resolved)
    lock = takeLock(resolved)
    const names = readdirSync(resolved).filter((name) => !lockNames.test(name))
    const foreign = names.find((name) => !madeNames.test(name))
    if (foreign !== undefined)
      throw notReset(resolved, `has ${JSON.stringify(foreign)} in it, which Latchkey did not make`)
    // The marker last: a reset that was cut off can be done again.
    const ordered = [...names.filter((name) => name !== developmentMarker), developmentMarker]
    for (const name of ordered) rmSync(path.join(resolved, name), { recursive: true, force: true })
  } catch (error) {
    throw error instanceof Fault ? error : unusable(directory, error)
  } finally {
    lock?.close()
  }
}

/** Whether there is nothing in it but a lock and what a file system of its own has, so nothing to remove. */
function isBare(directory: string): boolean {
  return readdirSync(directory).every((name) => lockNames.test(name) || name === 'lost+found')
}

/** The marker has to be the very file that {@link openDataDirectory} wrote: a name alone may be anybody's. */
function refuseNotMade(directory: string): void {
  const marker = path.join(directory, developmentMarker)
  const found = lstatSync(marker, { throwIfNoEntry: false })
  const isOurs = found?.isFile() === true && found.uid === process.geteuid?.()
  if (isOurs && readFileSync(marker, 'utf8') === developmentNotice) return
  throw notReset(directory, 'was not made by `latchkey dev`')
}

function notReset(directory: string, why: string): Fault {
  return new Fault(
    'data_directory.unusable',
    `${directory} ${why}, so --reset leaves it alone`,
    'move away what is not of Latchkey, or choose another directory with --data-dir',
  )
}

/** Node has no file locks of its own; an exclusive transaction in an otherwise empty database is one. */
function takeLock(directory: string): DatabaseSync {
  let lock: DatabaseSync | undefined
  try {
    const file = path.join(directory, 'lock')
    // Made by us for its mode, which SQLite gives to the files beside it too. Only when it is not there: closing any descriptor of the file
    // would drop the lock that this process may hold on it (POSIX record locks).
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
    lock = new DatabaseSync(file, { timeout: 0 })
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

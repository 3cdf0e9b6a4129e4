import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { describeError, Fault } from '../kernel/faults.ts'

/** Where a rotation keeps the next master key until it takes the place of `file`. */
export function nextKeyFile(file: string): string {
  return `${file}.next`
}

/**
 * Makes a master key in a new file (0600): whole, and on the disk, before anything is sealed under it. Throws Fault `master_key.missing` when
 * the file cannot be made; one that is there already is never overwritten.
 */
export function makeMasterKeyFile(file: string): void {
  const partial = `${file}.partial`
  try {
    rmSync(partial, { force: true })
    const descriptor = openSync(partial, 'wx', 0o600)
    writeSync(descriptor, `${randomBytes(32).toString('base64url')}\n`)
    fsyncSync(descriptor)
    closeSync(descriptor)
    // Unlike a rename, a link does not replace what is there.
    linkSync(partial, file)
    rmSync(partial)
    syncDirectory(file)
  } catch (error) {
    throw new Fault(
      'master_key.missing',
      `cannot make the master key file ${file}: ${describeError(error)}`,
      'name a file that is not there yet, in a directory that this user may write to',
      { cause: error },
    )
  }
}

/**
 * Puts the next master key in the place of `file`, in one step, and keeps what was there under a name with the time: backups from before need it.
 * Answers that name. Does nothing more when another process has just done so.
 */
export function replaceMasterKeyFile(file: string, now: number): string {
  const stamp = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const kept = `${file}.before-${stamp}`
  try {
    linkSync(file, kept)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotReplace(file, error)
  }
  try {
    renameSync(nextKeyFile(file), file)
    syncDirectory(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw cannotReplace(file, error)
  }
  return kept
}

function cannotReplace(file: string, cause: unknown): Fault {
  return new Fault(
    'master_key.missing',
    `the data are sealed under the master key in ${nextKeyFile(file)}, which cannot be put in the place of ${file}: ${describeError(cause)}`,
    `make the directory writable for this user and repeat the command, or point LATCHKEY_MASTER_KEY_FILE at ${nextKeyFile(file)}`,
    { cause },
  )
}

function syncDirectory(file: string): void {
  const directory = openSync(path.dirname(file), 'r')
  fsyncSync(directory)
  closeSync(directory)
}

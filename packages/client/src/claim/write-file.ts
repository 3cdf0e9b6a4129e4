import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { Failure } from '../failure.ts'

/** Looks whether a file could be written, and leaves nothing behind. Throws Failure. */
export function tryFile(given: string, force: boolean): void {
  const place = path.resolve(given)
  refuseWhatIsThere(given, place, force)
  const trial = besides(place)
  try {
    writeFileSync(trial, '', { mode: 0o600, flag: 'wx' })
    rmSync(trial)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw new Failure(
      1,
      'target',
      `nothing can be written beside ${given} (${code})`,
      'nothing was spent: mend that, or name another file',
      { cause: error },
    )
  }
}

/** Writes a file whole or not at all, for its owner alone. Throws whatever is in the way. */
export function writeFileWhole(given: string, force: boolean, text: string): void {
  const place = path.resolve(given)
  const fresh = besides(place)
  try {
    const handle = openSync(fresh, 'wx', 0o600)
    try {
      writeFileSync(handle, text)
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    // Somebody may have made it since it was looked for.
    refuseWhatIsThere(given, place, force)
    renameSync(fresh, place)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
  syncFolder(path.dirname(place))
}

function besides(place: string): string {
  return `${place}.${randomBytes(6).toString('hex')}.new`
}

/** Never through a link, which may lead where others read; and never over something without being told. */
function refuseWhatIsThere(given: string, place: string, force: boolean): void {
  if (!existsSync(path.dirname(place)) || !statSync(path.dirname(place)).isDirectory()) {
    throw new Failure(1, 'target', `the folder of ${given} is not there`, 'make it first; nothing was spent')
  }
  const there = lstatSync(place, { throwIfNoEntry: false })
  if (there === undefined) return
  if (!there.isFile()) {
    throw new Failure(1, 'target', `${given} is there and is no plain file`, 'name another; nothing was spent')
  }
  if (!force) {
    throw new Failure(
      1,
      'target',
      `${given} is there already`,
      'name another, or replace it with --force; nothing was spent',
    )
  }
}

/** So that the name of the file outlives a power cut, too; where a folder cannot be opened, the system sees to that. */
function syncFolder(folder: string): void {
  let handle: number
  try {
    handle = openSync(folder, 'r')
  } catch {
    return
  }
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

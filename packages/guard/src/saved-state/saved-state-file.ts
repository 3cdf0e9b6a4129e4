import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { SavedState, SavedStateRefusal, SavedText } from './saved-state.ts'

/** Longest file that is read or written, in bytes: above 250,000 revocations. */
const maxBytes = 48 * 1024 * 1024

/**
 * Keeps a guard's state in a file, for `createGuard({ savedState })`, on POSIX systems. Written with mode 0600 beside its place and then moved there,
 * so that no reader sees half of it. Whoever can write this file can forge keys: as ssh does, it is used only if it is a plain file (no symbolic link)
 * and it and its folder belong to this process's user or root and cannot be written by group or others. The folder must exist.
 */
export function savedStateFile(file: string): SavedState {
  const place = path.resolve(file)
  return {
    read: () => readSafely(place),

    async write(text) {
      if (Buffer.byteLength(text) > maxBytes) throw new RangeError(`state is over ${maxBytes} bytes`)
      const temporary = `${place}.${randomUUID()}.tmp`
      try {
        const handle = await open(temporary, 'wx', 0o600)
        try {
          await handle.writeFile(text)
          await handle.sync()
        } finally {
          await handle.close()
        }
        await rename(temporary, place)
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
    },
  }
}

async function readSafely(place: string): Promise<SavedText> {
  const refused = (reason: SavedStateRefusal): SavedText => ({ outcome: 'refused', reason })
  try {
    const handle = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      // What was opened is judged, and not what stands at the path a moment later.
      const stats = await handle.stat()
      if (!stats.isFile()) return refused('not_a_file')
      const distrust = distrustOf(stats) ?? distrustOf(await stat(path.dirname(place)))
      if (distrust !== undefined) return refused(distrust)
      if (stats.size > maxBytes) return refused('too_large')
      return { outcome: 'text', text: await handle.readFile('utf8') }
    } finally {
      await handle.close()
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { outcome: 'none' }
    return refused(code === 'ELOOP' ? 'not_a_file' : 'unreadable')
  }
}

/** Who else could have written it; `undefined` when nobody. */
function distrustOf({ uid, mode }: Stats): SavedStateRefusal | undefined {
  if (uid !== 0 && uid !== process.geteuid?.()) return 'owner'
  return (mode & 0o022) === 0 ? undefined : 'mode'
}

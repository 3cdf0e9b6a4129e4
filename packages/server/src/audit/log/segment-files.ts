import { closeSync, fsyncSync, openSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { segmentNumber } from './segment-format.ts'

export interface SegmentFile {
  readonly number: number
  readonly path: string
  readonly bytes: number
}

/** What lies in the directory of one log. Other files than these are nobody's evidence and are left alone. */
export interface LogFiles {
  /** By number. */
  readonly segments: readonly SegmentFile[]
  /** Tails that recovery set aside: `00000007.jsonl.torn`, then `.torn.2` and so on. */
  readonly torn: readonly SegmentFile[]
}

/** Lists a log's files with their sizes; `undefined` when there is no such directory. */
export async function listLogFiles(directory: string): Promise<LogFiles | undefined> {
  let names: string[]
  try {
    names = await readdir(directory)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  const segments: SegmentFile[] = []
  const torn: SegmentFile[] = []
  for (const name of names.toSorted()) {
    const [segmentName = '', suffix] = name.split(/(\.torn(?:\.\d+)?)$/)
    const number = segmentNumber(segmentName)
    if (number === undefined) continue
    const file = path.join(directory, name)
    const found = await stat(file).catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
    if (found?.isFile() === true)
      (suffix === undefined ? segments : torn).push({ number, path: file, bytes: found.size })
  }
  return { segments: segments.toSorted((a, b) => a.number - b.number), torn }
}

/** Whether a file system error says that there is no such file or directory. */
export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** Puts names that were made in or removed from a directory on the disk. Blocks for one sync: only where files are made or removed. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

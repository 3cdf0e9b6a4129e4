import { open, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import type { DataKeys } from '../../keys/data-keys.ts'
import type { Checkpoint, LogPosition } from './checkpoint.ts'
import { expectedMac, readGroups } from '../verify/read-groups.ts'
import { initialMac, readSegmentHeader } from './segment-format.ts'
import { listLogFiles, syncDirectory, type SegmentFile } from './segment-files.ts'

/** What recovery made of a log whose process did not close it. */
export type Recovery =
  | {
      readonly kind: 'recovered'
      /** The last group that is whole. */
      readonly position: LogPosition
      readonly setAside: readonly { readonly file: string; readonly bytes: number }[]
    }
  /** The files do not reach the checkpoint, or are not as a crash leaves them: nothing was touched. */
  | { readonly kind: 'evidence'; readonly message: string }

interface Cut {
  readonly segment: SegmentFile
  /** What follows this offset goes. */
  readonly keepBytes: number
}

/**
 * Ends a log that was not closed. A crash may leave a group behind the checkpoint that is torn; from there on the bytes are copied to
 * `<segment>.torn` and cut off. Reads from the checkpoint on, and of the last segment only. Does not check what stands before the checkpoint.
 */
export async function recoverLog(
  directory: string,
  logId: string,
  checkpoint: Checkpoint,
  dataKeys: DataKeys,
): Promise<Recovery> {
  const files = await listLogFiles(directory)
  const segments = files?.segments.filter((segment) => segment.bytes > 0) ?? []
  const cuts: Cut[] = []
  // The writer syncs a segment before it opens the next: only one can be torn.
  for (const segment of segments.toReversed().slice(0, 2)) {
    if (checkpoint.n > 0 && segment.number < checkpoint.segment) break
    const good = await lastWholeGroup(segment, logId, checkpoint, dataKeys)
    if (good === undefined) {
      return evidence(`segment ${segment.number} does not hold the seal that the checkpoint vouches for`)
    }
    const isTorn = good.end < segment.bytes
    if (isTorn && cuts.length > 0) return evidence(`segment ${segment.number} is torn although segments follow it`)
    if (isTorn) cuts.push({ segment, keepBytes: good.end })
    if (good.position !== undefined) {
      return { kind: 'recovered', position: good.position, setAside: await setAside(directory, cuts) }
    }
  }
  if (checkpoint.n > 0) return evidence(`the files end before segment ${checkpoint.segment}, record ${checkpoint.n}`)
  if (segments.length > cuts.length) return evidence('no segment holds a whole group')
  const position = { segment: 1, n: 0, mac: initialMac }
  return { kind: 'recovered', position, setAside: await setAside(directory, cuts) }
}

function evidence(message: string): Recovery {
  return { kind: 'evidence', message }
}

/** The end of the last group that checks, from the checkpoint on. `undefined` when the checkpoint's own seal is not there. */
async function lastWholeGroup(
  segment: SegmentFile,
  logId: string,
  checkpoint: Checkpoint,
  dataKeys: DataKeys,
): Promise<{ readonly end: number; readonly position: LogPosition | undefined } | undefined> {
  const file = await open(segment.path, 'r')
  try {
    let end = 0
    let position: LogPosition | undefined
    if (checkpoint.n > 0 && checkpoint.segment === segment.number) {
      const sealEnd = await findSealEnd(file, segment.bytes, checkpoint)
      if (sealEnd === undefined) return undefined
      end = sealEnd
      position = { segment: segment.number, n: checkpoint.n, mac: checkpoint.mac }
    }
    for await (const group of readGroups(file, end, segment.bytes)) {
      const { seal, numbers, records } = group
      if (seal === undefined || seal === 'damaged' || seal.n !== (numbers.at(-1) ?? position?.n)) break
      const previous = position?.mac ?? readSegmentHeader(records)?.previous
      if (previous === undefined || expectedMac(dataKeys, logId, previous, group) !== seal.mac) break
      end = group.end
      position = { segment: segment.number, n: seal.n, mac: seal.mac }
    }
    return { end, position }
  } finally {
    await file.close()
  }
}

/** Searches backwards, in growing steps, for the end of the seal that a checkpoint names. */
async function findSealEnd(file: FileHandle, fileBytes: number, checkpoint: Checkpoint): Promise<number | undefined> {
  const needle = Buffer.from(`{"seal":"${checkpoint.mac}","n":${checkpoint.n},"key":"`)
  let tailBytes = 64 * 1024
  for (;;) {
    const from = Math.max(0, fileBytes - tailBytes)
    const tail = Buffer.alloc(fileBytes - from)
    const { bytesRead } = await file.read(tail, 0, tail.length, from)
    const at = tail.subarray(0, bytesRead).lastIndexOf(needle)
    const lineEnd = at === -1 ? -1 : tail.indexOf(10, at)
    if (lineEnd !== -1) return from + lineEnd + 1
    if (from === 0) return undefined
    tailBytes *= 4
  }
}

async function setAside(
  directory: string,
  cuts: readonly Cut[],
): Promise<{ readonly file: string; readonly bytes: number }[]> {
  const done: { readonly file: string; readonly bytes: number }[] = []
  for (const { segment, keepBytes } of cuts) {
    const source = await open(segment.path, 'r+')
    try {
      const { file: copy, path: copyPath } = await createTornFile(segment.path)
      try {
        await copyTail(source, keepBytes, segment.bytes, copy)
        await copy.sync()
      } finally {
        await copy.close()
      }
      // The copy must be on the disk before the original goes.
      syncDirectory(directory)
      await source.truncate(keepBytes)
      await source.sync()
      done.push({ file: path.basename(copyPath), bytes: segment.bytes - keepBytes })
    } finally {
      await source.close()
    }
  }
  return done
}

/** `<segment>.torn`, or `.torn.2` and so on: what was set aside before is never overwritten. */
async function createTornFile(segmentPath: string): Promise<{ readonly file: FileHandle; readonly path: string }> {
  for (let attempt = 1; ; attempt++) {
    const candidate = attempt === 1 ? `${segmentPath}.torn` : `${segmentPath}.torn.${attempt}`
    try {
      return { file: await open(candidate, 'wx', 0o600), path: candidate }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

async function copyTail(source: FileHandle, from: number, to: number, copy: FileHandle): Promise<void> {
  const chunk = Buffer.alloc(1024 * 1024)
  for (let at = from; at < to;) {
    const { bytesRead } = await source.read(chunk, 0, Math.min(chunk.length, to - at), at)
    if (bytesRead === 0) return
    await copy.writeFile(chunk.subarray(0, bytesRead))
    at += bytesRead
  }
}

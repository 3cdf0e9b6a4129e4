import type { FileHandle } from 'node:fs/promises'
import type { EpochMs } from '@latchkey/protocol'
import { parseLine } from '../log/segment-format.ts'

const windowBytes = 16 * 1024
/** No writer of ours makes a longer line. */
const maxLineBytes = 16 * 1024 * 1024
const newline = 10

/**
 * Finds by bisection where the records up to `time` end: the offset behind the last of them. Relies on the clock not having stepped back by
 * more than the caller allows for, and checks no MAC.
 */
export async function offsetAfter(file: FileHandle, end: number, time: EpochMs): Promise<number> {
  let low = 0
  let high = end
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const found = await firstRecordFrom(file, middle, high)
    if (found === undefined || found.at > time) high = middle
    else low = found.end
  }
  return low
}

/** The time of a segment's first record; `undefined` when it has none. */
export async function firstRecordTime(file: FileHandle, fileBytes: number): Promise<EpochMs | undefined> {
  return (await firstRecordFrom(file, 0, fileBytes))?.at
}

/** The first record that begins at or behind `offset`, and before `end`. */
async function firstRecordFrom(
  file: FileHandle,
  offset: number,
  end: number,
): Promise<{ readonly end: number; readonly at: EpochMs } | undefined> {
  // From the byte before: if that ends a line, the record may begin right here.
  let from = Math.max(offset - 1, 0)
  let isLineStart = offset === 0
  let held: Buffer = Buffer.alloc(0)
  while (from < end && held.length <= maxLineBytes) {
    const wanted = Math.max(windowBytes, held.length)
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, from + held.length)
    if (bytesRead === 0) return undefined
    held = Buffer.concat([held, buffer.subarray(0, bytesRead)])
    for (let at = held.indexOf(newline); at !== -1; at = held.indexOf(newline)) {
      if (isLineStart) {
        if (from >= end) return undefined
        const parsed = parseLine(held.toString('utf8', 0, at))
        if (parsed !== undefined && 'record' in parsed) {
          return { end: from + at + 1, at: parsed.record.at }
        }
      }
      isLineStart = true
      held = held.subarray(at + 1)
      from += at + 1
    }
  }
  return undefined
}

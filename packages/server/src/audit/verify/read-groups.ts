import type { FileHandle } from 'node:fs/promises'
import type { DataKeys } from '../../keys/data-keys.ts'
import { groupMac, type Seal } from '../log/segment-format.ts'

/** The records between two seals, as they stand in the file. Nothing about them has been checked. */
export interface RawGroup {
  /** Offset of the first record. */
  readonly start: number
  /** Offset behind the seal. */
  readonly end: number
  readonly records: Buffer
  /** The records' numbers in file order; NaN for a line that is no record. */
  readonly numbers: readonly number[]
  /** `damaged`: a line that was a seal once. `undefined`: none before the end, or before the limit of what a group may be. */
  readonly seal: Seal | 'damaged' | undefined
}

const chunkBytes = 256 * 1024
/** The writer's groups stay far below: 16,384 requests wait at most. Bounds the memory that a file of somebody else can take. */
const maxGroupBytes = 64 * 1024 * 1024
const newline = 10
const sealStart = Buffer.from('{"seal"')
const sealPattern = /^\{"seal":"([\w-]{43})","n":(0|[1-9]\d{0,15}),"key":"([a-z0-9-]{1,64})"\}$/
const recordPattern = /^\{"n":(0|[1-9]\d{0,15}),.*\}$/s

/**
 * Streams the groups of a segment between two offsets, a chunk at a time, so that other work goes on in between. Ends early when the file
 * does. Does not check any MAC.
 */
export async function* readGroups(file: FileHandle, from: number, to: number): AsyncGenerator<RawGroup> {
  let start = from
  let held: Buffer = Buffer.alloc(0)
  let numbers: number[] = []
  let scanned = 0
  while (start + held.length < to) {
    // A long group is read in growing steps, so that joining them stays linear.
    const wanted = Math.min(Math.max(chunkBytes, held.length), to - start - held.length)
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, start + held.length)
    if (bytesRead === 0) break
    held = Buffer.concat([held, buffer.subarray(0, bytesRead)])
    let groupStart = 0
    for (let end = held.indexOf(newline, scanned); end !== -1; end = held.indexOf(newline, scanned)) {
      const line = held.subarray(scanned, end)
      if (line.subarray(0, sealStart.length).equals(sealStart)) {
        const seal = readSeal(line) ?? 'damaged'
        const records = held.subarray(groupStart, scanned)
        yield { start: start + groupStart, end: start + end + 1, records, numbers, seal }
        groupStart = end + 1
        numbers = []
      } else {
        numbers.push(recordNumber(line))
      }
      scanned = end + 1
    }
    held = held.subarray(groupStart)
    start += groupStart
    scanned -= groupStart
    if (held.length > maxGroupBytes) {
      yield { start, end: start + held.length, records: held, numbers, seal: undefined }
      start += held.length
      held = Buffer.alloc(0)
      numbers = []
      scanned = 0
    }
  }
  if (held.length === 0) return
  if (scanned < held.length) numbers.push(Number.NaN)
  yield { start, end: start + held.length, records: held, numbers, seal: undefined }
}

/** The MAC that a group's seal must have; `undefined` when the seal cannot be read or names a key that there is not. */
export function expectedMac(
  dataKeys: DataKeys,
  logId: string,
  previousMac: string,
  { records, seal }: RawGroup,
): string | undefined {
  if (seal === undefined) return undefined
  try {
    const keyId = seal === 'damaged' ? dataKeys.current('audit-mac') : seal.keyId
    return groupMac(dataKeys, keyId, logId, previousMac, records)
  } catch {
    return undefined
  }
}

/** Reads a seal byte for byte as the writer forms it; anything else is none, so that no other spelling of a seal passes. */
export function readSeal(line: Buffer): Seal | undefined {
  const match = sealPattern.exec(line.toString('latin1'))
  if (match === null) return undefined
  const [, mac = '', n = '', keyId = ''] = match
  return { mac, n: Number(n), keyId }
}

function recordNumber(line: Buffer): number {
  // Only the beginning and the end of the line are looked at: its seal vouches for the rest.
  const match = recordPattern.exec(
    `${line.toString('latin1', 0, 24)}${line.length > 24 ? line.toString('latin1', line.length - 1) : ''}`,
  )
  return match === null ? Number.NaN : Number(match[1])
}

import { open, type FileHandle } from 'node:fs/promises'
import { recordEntry, type EntryFilter } from './entry-filter.ts'
import { budgetShare, type EntrySource, type ReadBudget } from './entry-source.ts'
import type { AuditEntry } from './query.ts'
import { readSeal } from '../verify/read-groups.ts'
import { readLinesBackwards } from './read-backwards.ts'
import { firstRecordTime, offsetAfter } from './seek-time.ts'
import { isMissing, listLogFiles, type SegmentFile } from '../log/segment-files.ts'
import { parseLine } from '../log/segment-format.ts'

/** Where in a log to go on: with the lines that end at or before this offset. */
export interface LogPlace {
  readonly segment: number
  readonly offset: number
}

/** The records of one token log. */
export interface LogEntries extends EntrySource {
  /** What has been gone through; `undefined` when nothing is left. */
  place(): LogPlace | undefined
}

/** A record may be older than one before it only by as much as the clock was set back. */
const clockStepMs = 60_000
const timePattern = /^\{"n":\d+,"at":(\d+),/
/** What opening a segment and looking for its times counts in the budget. */
const seekBytes = 64 * 1024

/**
 * Lists the records of a log from `from` on, or from its last seal. Reads what stands in the files: whether it is what was written is for
 * `verifyAudit` to say. A log without files has no entries.
 */
export function logEntries(
  directory: string,
  filter: EntryFilter,
  from: LogPlace | undefined,
  budget: ReadBudget,
): LogEntries {
  const share = budgetShare(budget)
  let place: LogPlace | undefined = from ?? { segment: Number.MAX_SAFE_INTEGER, offset: Number.MAX_SAFE_INTEGER }
  let head: { readonly entry: AuditEntry; readonly place: LogPlace } | undefined
  const found = search()

  async function* search(): AsyncGenerator<{ readonly entry: AuditEntry; readonly place: LogPlace }> {
    const files = await listLogFiles(directory)
    const segments = (files?.segments ?? []).filter(({ number }) => place === undefined || number <= place.segment)
    for (const segment of segments.toReversed()) {
      const isResumed = segment.number === from?.segment
      place = { segment: segment.number, offset: isResumed ? from.offset : segment.bytes }
      const file = await openIfThere(segment)
      if (file === undefined) continue
      try {
        const isNewest = segment === segments.at(-1) && !isResumed
        if (yield* searchSegment(file, segment, Math.min(place.offset, segment.bytes), isNewest)) break
      } finally {
        await file.close()
      }
      if (share.isCutShort()) return
    }
    place = undefined
  }

  /** Answers true when older segments hold nothing that is asked for. */
  async function* searchSegment(
    file: FileHandle,
    segment: SegmentFile,
    startAt: number,
    isNewest: boolean,
  ): AsyncGenerator<{ readonly entry: AuditEntry; readonly place: LogPlace }, boolean> {
    let end = startAt
    if (filter.until !== Number.MAX_SAFE_INTEGER) {
      budget.charge(seekBytes)
      const opened = await firstRecordTime(file, segment.bytes)
      if (opened !== undefined && opened > filter.until) return false
      end = Math.min(end, await offsetAfter(file, end, filter.until))
    }
    // A group that is being written is not in the log before its seal is.
    let isSealed = !isNewest || end < startAt
    for await (const { start, line } of readLinesBackwards(file, end, (bytes) => share.mayRead(bytes))) {
      isSealed ||= readSeal(line) !== undefined
      const at = timePattern.exec(line.toString('latin1', 0, 64))?.[1]
      if (isSealed && at !== undefined) {
        if (Number(at) < filter.from - clockStepMs) return true
        const entry = filter.needles.every((needle) => line.includes(needle)) ? readEntry(line) : undefined
        if (entry !== undefined && filter.matches(entry)) {
          yield { entry, place: { segment: segment.number, offset: start + line.length + 1 } }
        }
      }
      place = { segment: segment.number, offset: start }
    }
    return false
  }

  return {
    async peek() {
      if (head !== undefined) return head.entry
      const next = await found.next()
      head = next.done === true ? undefined : next.value
      return head?.entry
    },
    take() {
      head = undefined
    },
    isCutShort: () => share.isCutShort(),
    place: () => head?.place ?? place,
    async close() {
      await found.return(undefined)
    },
  }
}

function readEntry(line: Buffer): AuditEntry | undefined {
  const parsed = parseLine(line.toString())
  return parsed !== undefined && 'record' in parsed ? recordEntry(parsed.record) : undefined
}

async function openIfThere(segment: SegmentFile): Promise<FileHandle | undefined> {
  try {
    return await open(segment.path, 'r')
  } catch (error) {
    // It expired meanwhile.
    if (isMissing(error)) return undefined
    throw error
  }
}

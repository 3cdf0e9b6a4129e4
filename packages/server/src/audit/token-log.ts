import { mkdirSync, openSync } from 'node:fs'
import { close, fdatasync, ftruncate, write } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { DataKeys } from '../keys/data-keys.ts'
import type { Clock } from '../kernel/clock.ts'
import { describeError, Fault } from '../kernel/faults.ts'
import type { LogPosition } from './checkpoint.ts'
import { formatRecord, formatSeal, groupMac, initialMac, segmentFileName } from './segment-format.ts'
import type { TokenEvent } from './token-events.ts'

const writeFile = promisify(write)
const syncFile = promisify(fdatasync)
const truncateFile = promisify(ftruncate)
const closeFile = promisify(close)

/** `interval`: on disk within 50 ms of the answer. `answer`: on disk before it. Either way in the file before the answer. */
export type AuditSync = 'interval' | 'answer'

export interface TokenLogOptions {
  /** The log's own directory; made here. */
  readonly directory: string
  readonly id: string
  readonly sync: AuditSync
  /** A segment that has grown past this is followed by a new one. */
  readonly maxSegmentBytes: number
  readonly maxSegmentAgeMs: number
}

/** The append-only log of one process (see `segment-format.ts`). */
export interface TokenLog {
  readonly id: string
  /**
   * Records a group of events. Resolves once it is in the file, and with `answer` on the disk; rejects with Fault `audit.unwritable`, and then
   * nothing of the group is in the log. Groups that arrive while one is being written are written together next.
   */
  append(events: readonly TokenEvent[]): Promise<void>
  /** The last record in the file. */
  written(): LogPosition
  /** The last record known to be on the disk: never behind by more than the sync interval. */
  synced(): LogPosition
  /** Writes what is pending and a closing record, and syncs. */
  close(): Promise<void>
}

interface Group {
  readonly events: readonly TokenEvent[]
  readonly resolve: () => void
  readonly reject: (error: Fault) => void
}

/** Shorter than the 50 ms that are promised, because the sync itself takes time. */
const syncIntervalMs = 30

/** Opens a new log; throws a Fault when its directory cannot be made. */
export function openTokenLog(options: TokenLogOptions, dataKeys: DataKeys, clock: Clock): TokenLog {
  let segment = 0
  let file = -1
  let fileBytes = 0
  let segmentOpenedAt = 0
  let position: LogPosition = { segment: 1, n: 0, mac: initialMac }
  let synced = position
  let queue: Group[] = []
  let writing: Promise<void> | undefined
  let syncTimer: NodeJS.Timeout | undefined
  let broken: Fault | undefined

  try {
    mkdirSync(options.directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw unwritable(options.directory, error)
  }

  async function writeQueued(): Promise<void> {
    while (queue.length > 0) {
      const groups = queue
      queue = []
      try {
        // oxlint-disable-next-line no-await-in-loop -- groups are written one after the other: each is chained to the one before
        await writeGroups(groups)
        for (const group of groups) group.resolve()
      } catch (error) {
        const fault = error instanceof Fault ? error : unwritable(options.directory, error)
        for (const group of groups) group.reject(fault)
      }
    }
    writing = undefined
  }

  async function writeGroups(groups: readonly Group[]): Promise<void> {
    if (broken !== undefined) throw broken
    const rotated = needsSegment() ? await openSegment() : undefined
    let n = position.n
    let text = rotated === undefined ? '' : formatRecord(++n, rotated)
    for (const group of groups) for (const event of group.events) text += formatRecord(++n, event)
    const keyId = dataKeys.current('audit-mac')
    const mac = groupMac(dataKeys, keyId, options.id, position.mac, text)
    const bytes = Buffer.from(text + formatSeal({ n, keyId, mac }))
    await writeWhole(bytes)
    position = { segment, n, mac }
    if (options.sync === 'answer') {
      await syncFile(file)
      synced = position
    } else {
      syncTimer ??= setTimeout(() => void syncSoon(), syncIntervalMs)
    }
  }

  /** Writes all bytes or none: what a failed write left behind is cut off again, so that the chain goes on from the last whole group. */
  async function writeWhole(bytes: Buffer): Promise<void> {
    let done = 0
    try {
      while (done < bytes.length) {
        // oxlint-disable-next-line no-await-in-loop -- a short write is continued where it ended
        const { bytesWritten } = await writeFile(file, bytes, done, bytes.length - done, fileBytes + done)
        done += bytesWritten
      }
      fileBytes += bytes.length
    } catch (error) {
      try {
        await truncateFile(file, fileBytes)
      } catch (truncateError) {
        broken = unwritable(options.directory, truncateError)
      }
      throw error
    }
  }

  function needsSegment(): boolean {
    return file === -1 || fileBytes >= options.maxSegmentBytes || clock.now() - segmentOpenedAt >= options.maxSegmentAgeMs
  }

  async function openSegment(): Promise<TokenEvent> {
    const next = segment + 1
    const opened = openSync(path.join(options.directory, segmentFileName(next)), 'wx', 0o600)
    if (file !== -1) {
      await syncFile(file)
      synced = position
      await closeFile(file)
    }
    file = opened
    fileBytes = 0
    segment = next
    segmentOpenedAt = clock.now()
    return systemEvent('segment.opened', { log: options.id, segment, previous: position.mac })
  }

  function systemEvent(event: 'segment.opened' | 'log.closed', details: Record<string, unknown>): TokenEvent {
    return { event, at: clock.now(), requestId: '', clientId: '', address: '', details }
  }

  async function syncSoon(): Promise<void> {
    syncTimer = undefined
    const reached = position
    try {
      await syncFile(file)
      if (reached.n > synced.n) synced = reached
    } catch (error) {
      // What the kernel could not keep, later writes will not mend: stop answering until somebody looks.
      broken = unwritable(options.directory, error)
    }
  }

  function append(events: readonly TokenEvent[]): Promise<void> {
    return new Promise((resolve, reject) => {
      queue.push({ events, resolve, reject })
      writing ??= writeQueued()
    })
  }

  return {
    id: options.id,
    append,
    written: () => position,
    synced: () => synced,
    async close() {
      await append([systemEvent('log.closed', {})]).catch(() => undefined)
      await writing
      clearTimeout(syncTimer)
      if (file === -1) return
      await syncFile(file)
      synced = position
      await closeFile(file)
    },
  }
}

function unwritable(directory: string, cause: unknown): Fault {
  return new Fault(
    'audit.unwritable',
    `cannot write the audit log in ${directory}: ${describeError(cause)}`,
    'free some space or mend the disk; no token is issued that cannot be recorded',
    { cause },
  )
}

import { close, fdatasync, fstatSync, ftruncate, mkdirSync, open, statSync, write, writeSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { DataKeys } from '../../keys/data-keys.ts'
import type { Clock } from '../../kernel/clock.ts'
import { describeError, Fault } from '../../kernel/faults.ts'
import type { LogPosition, RowPosition } from './checkpoint.ts'
import { syncDirectory } from './segment-files.ts'
import { formatRecord, formatSeal, groupMac, initialMac, segmentFileName } from './segment-format.ts'
import type { TokenEvent } from './token-events.ts'

const openFile = promisify(open)
const writeFile = promisify(write)
const syncFile = promisify(fdatasync)
const truncateFile = promisify(ftruncate)
const closeFile = promisify(close)

/** `interval`: on disk within 50 ms of the answer. `answer`: on disk before it. Either way in the file before the answer. */
export type AuditSync = 'interval' | 'answer'

/** Told of work on the disk as it is done, in seconds. */
export interface LogTimings {
  written(seconds: number): void
  synced(seconds: number): void
}

export interface TokenLogOptions {
  /** The log's own directory; made here. */
  readonly directory: string
  readonly id: string
  readonly sync: AuditSync
  /** A segment that has grown past this is followed by a new one. */
  readonly maxSegmentBytes: number
  readonly maxSegmentAgeMs: number
  /** The last administrative row that is known of: the log vouches for it where a segment begins, and at its end. */
  lastRow(): RowPosition
  readonly timings?: LogTimings | undefined
}

/** The append-only log of one process (see `segment-format.ts`). */
export interface TokenLog {
  readonly id: string
  /**
   * Records a group of events. Resolves once it is in the file, and with `answer` on the disk; rejects with Fault `audit.unwritable`, and then
   * nothing of the group is in the log. A group without events writes a seal only. Groups that arrive while one is being written are written together next.
   */
  append(events: readonly TokenEvent[]): Promise<void>
  /** The last record in the file. */
  written(): LogPosition
  /** The last record known to be on the disk: never behind by more than the sync interval. */
  synced(): LogPosition
  /** Why the last group could not be written; undefined while all is well. */
  problem(): Fault | undefined
  /** Looks whether the file that is being written is still the one in the directory, and whole; if not, nothing is taken any more. */
  check(): void
  /** Writes what is pending and a closing record, and syncs; later groups are refused. Rejects when the disk does not take it. */
  close(): Promise<void>
}

interface Group {
  readonly events: readonly TokenEvent[]
  readonly resolve: () => void
  readonly reject: (error: Fault) => void
}

/** Shorter than the 50 ms that are promised, because the sync itself takes time. */
const syncIntervalMs = 30

/**
 * A group up to this size is copied into the page cache sooner than a thread of the pool is woken to do it (one connection: 0.74 of the floor, against 0.55). A larger one is written while the next is being signed.
 */
const smallGroupBytes = 8 * 1024

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
  let syncing: Promise<void> = Promise.resolve()
  let failure: Fault | undefined
  let broken: Fault | undefined
  let isClosed = false

  try {
    mkdirSync(options.directory, { recursive: true, mode: 0o700 })
    syncDirectory(path.dirname(options.directory))
  } catch (error) {
    throw unwritable(options.directory, error)
  }

  async function writeQueued(): Promise<void> {
    while (queue.length > 0) {
      const groups = queue
      queue = []
      try {
        await writeGroups(groups)
        failure = undefined
        for (const group of groups) group.resolve()
      } catch (error) {
        const fault = error instanceof Fault ? error : unwritable(options.directory, error)
        failure = fault
        for (const group of groups) group.reject(fault)
      }
    }
    writing = undefined
  }

  async function writeGroups(groups: readonly Group[]): Promise<void> {
    if (broken !== undefined) throw broken
    if (file !== -1) checkDescriptor()
    if (needsSegment()) await openSegment()
    let n = position.n
    // Whenever the file is empty, not only when it has just been made: the first group may have failed before.
    let text = fileBytes === 0 ? formatRecord(++n, segmentOpened()) : ''
    for (const group of groups) for (const event of group.events) text += formatRecord(++n, event)
    const keyId = dataKeys.current('audit-mac')
    const mac = groupMac(dataKeys, keyId, options.id, position.mac, text)
    const bytes = Buffer.from(text + formatSeal({ n, keyId, mac }))
    await writeWhole(bytes)
    const reached = { segment, n, mac }
    if (options.sync === 'answer') {
      await syncOrBreak()
      fileBytes += bytes.length
      position = reached
      synced = reached
    } else {
      fileBytes += bytes.length
      position = reached
      syncTimer ??= setTimeout(syncSoon, syncIntervalMs)
    }
  }

  /** Writes all bytes or none: what a failed write left behind is cut off again, so that the chain goes on from the last whole group. */
  async function writeWhole(bytes: Buffer): Promise<void> {
    const began = performance.now()
    let done = 0
    try {
      while (done < bytes.length) {
        done += await writeSome(bytes, done)
      }
      options.timings?.written((performance.now() - began) / 1000)
    } catch (error) {
      await cutBack()
      throw error
    }
  }

  function writeSome(bytes: Buffer, done: number): number | Promise<number> {
    const length = bytes.length - done
    const at = fileBytes + done
    if (bytes.length <= smallGroupBytes) return writeSync(file, bytes, done, length, at)
    return writeFile(file, bytes, done, length, at).then(({ bytesWritten }) => bytesWritten)
  }

  /** What is written to a file that was deleted or cut would be answered for, and be gone. Costs a microsecond or two. */
  function checkDescriptor(): void {
    const { nlink, size } = fstatSync(file)
    if (nlink === 0) breakOff('was deleted')
    if (size < fileBytes) breakOff(`was cut to ${size} of ${fileBytes} bytes`)
  }

  function checkPath(): void {
    const there = statSync(segmentPath(), { bigint: true, throwIfNoEntry: false })
    const ours = fstatSync(file, { bigint: true })
    if (there === undefined) breakOff('was deleted or moved away')
    else if (there.ino !== ours.ino || there.dev !== ours.dev) breakOff('was replaced by another file')
  }

  function breakOff(what: string): never {
    broken = new Fault(
      'audit.unwritable',
      `the audit log ${segmentPath()} ${what} while the server was writing it`,
      'find out who did it, run `latchkey audit verify`, and restart the server to begin a new log; until then no token is issued',
    )
    throw broken
  }

  function segmentPath(): string {
    return path.join(options.directory, segmentFileName(segment))
  }

  /** Cuts off what follows the last whole group. */
  async function cutBack(): Promise<void> {
    try {
      await truncateFile(file, fileBytes)
    } catch (error) {
      broken = unwritable(options.directory, error)
    }
  }

  async function timedSync(): Promise<void> {
    const began = performance.now()
    await syncFile(file)
    options.timings?.synced((performance.now() - began) / 1000)
  }

  /** Syncs before the answer; when that fails nobody is answered, so the group is taken back. */
  async function syncOrBreak(): Promise<void> {
    try {
      await timedSync()
    } catch (error) {
      await cutBack()
      broken = unwritable(options.directory, error)
      throw broken
    }
  }

  function needsSegment(): boolean {
    return (
      file === -1 || fileBytes >= options.maxSegmentBytes || clock.now() - segmentOpenedAt >= options.maxSegmentAgeMs
    )
  }

  async function openSegment(): Promise<void> {
    const finished = file
    if (finished !== -1) {
      try {
        await syncFile(finished)
      } catch (error) {
        broken = unwritable(options.directory, error)
        throw broken
      }
      synced = position
    }
    file = await openFile(path.join(options.directory, segmentFileName(segment + 1)), 'wx', 0o600)
    fileBytes = 0
    segment++
    segmentOpenedAt = clock.now()
    if (finished !== -1) {
      // A sync of the old file may still be under way; its descriptor must not be given to another file before.
      await syncing
      await closeFile(finished)
    }
    try {
      // Otherwise a loss of power could take the file away although its bytes are on the disk.
      syncDirectory(options.directory)
    } catch (error) {
      broken = unwritable(options.directory, error)
      throw broken
    }
  }

  function segmentOpened(): TokenEvent {
    return systemEvent('segment.opened', { log: options.id, segment, previous: position.mac })
  }

  function systemEvent(event: 'segment.opened' | 'log.closed', details: Record<string, unknown>): TokenEvent {
    const row = options.lastRow()
    const vouching = { ...details, row: row.sequence, row_mac: row.mac }
    return { event, at: clock.now(), requestId: '', clientId: '', address: '', details: vouching }
  }

  function syncSoon(): void {
    syncTimer = undefined
    syncing = syncing.then(syncNow)
  }

  async function syncNow(): Promise<void> {
    const reached = position
    try {
      await timedSync()
      if (reached.n > synced.n) synced = reached
    } catch (error) {
      // What the kernel could not keep, later writes will not mend: stop answering until somebody looks.
      broken = unwritable(options.directory, error)
    }
  }

  function append(events: readonly TokenEvent[]): Promise<void> {
    if (isClosed) return Promise.reject(unwritable(options.directory, new Error('the log is closed')))
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
    problem: () => broken ?? failure,
    check() {
      if (file === -1 || isClosed || broken !== undefined) return
      try {
        checkDescriptor()
        checkPath()
      } catch (error) {
        broken ??= unwritable(options.directory, error)
      }
    },
    async close() {
      if (isClosed) return
      const closing = append([systemEvent('log.closed', {})])
      isClosed = true
      await closing.catch(() => undefined)
      await writing
      clearTimeout(syncTimer)
      await syncing
      if (file === -1) return
      try {
        await syncFile(file)
        // What a failed write left behind may still follow the last seal.
        if (broken !== undefined) throw broken
        synced = position
      } finally {
        await closeFile(file)
      }
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

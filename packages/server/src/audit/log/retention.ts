import { open, rmdir, unlink } from 'node:fs/promises'
import path from 'node:path'
import type { EpochMs } from '@latchkey/protocol'
import type { Clock } from '../../kernel/clock.ts'
import { describeError } from '../../kernel/faults.ts'
import { timeOfRequestId } from '../../kernel/ids.ts'
import type { Logger } from '../../kernel/log.ts'
import type { DataKeys } from '../../keys/data-keys.ts'
import type { CheckpointKey } from '../../keys/signing-keys.ts'
import { isGenuineCheckpoint, signCheckpoint, type Checkpoint } from './checkpoint.ts'
import type { AdminEvent } from '../events.ts'
import type { AuditLogStore, LogRegistration } from '../ports.ts'
import { expectedMac, readGroups } from '../verify/read-groups.ts'
import { listLogFiles, syncDirectory, type LogFiles, type SegmentFile } from './segment-files.ts'
import { parseLine, readSegmentHeader } from './segment-format.ts'

/*
 * The policy: a segment expires when its newest record is older than `retentionDays`. Whole segments go, the oldest first; never the one that
 * is being written, and never one of a log that did not end in order: that is evidence. The age is taken from MACed records and signed
 * checkpoints only, so that nobody can have segments deleted by writing an old date into a file. Before a file goes, a signed checkpoint says
 * so, and with `record` an audit row: what is missing without them was removed by somebody.
 *
 * A wrong clock must not delete evidence. So the clock is believed only as far as time is known to have passed: within this process by the
 * monotonic clock; within earlier ones by what they have signed about themselves; between them for two days at most. However often a server is
 * started, the days in which it runs add up, and a leap of the clock never does. Where the clock says more, the segments stay, and a
 * warning says so. After a real pause of months they therefore stay that much longer. Nothing expires in the first minutes after a start.
 */
export const defaultRetentionDays = 400

const dayMs = 86_400_000
/** So much of a time in which no process ran counts. */
const maxSilenceMs = 2 * dayMs

/** How far clock and passed time may part while a process runs, in milliseconds: small corrections add up. */
const toleratedDriftMs = 3_600_000

/** A time that does not count in full: without a process, or one in which the clock went further than time did. */
export interface Silence {
  readonly until: number
  /** How much of it does not count. */
  readonly excessMs: number
}

/**
 * Where the time between two logs, or before `now`, the start of this process, is longer than two days, and where a process has seen its clock leap:
 * either nobody was running, or a clock is wrong. Taken from the logs' own signed words: their ids and last checkpoints; logs without a genuine
 * one do not count. What is not seen through: a leap that a version noted which did not sign how long it ran.
 */
export function longSilences(
  earlier: readonly LogRegistration[],
  checkpointKey: CheckpointKey,
  now: EpochMs,
): Silence[] {
  const runs = earlier.flatMap(({ id, checkpoint }) => {
    if (checkpoint === undefined || checkpoint.log !== id || !isGenuineCheckpoint(checkpointKey, checkpoint)) return []
    const from = timeOfRequestId(id.padEnd(26, '0')) ?? checkpoint.at
    return [{ from, to: checkpoint.at, ranMs: checkpoint.ranMs ?? checkpoint.at - from }]
  })
  const silences: Silence[] = []
  let reached: number | undefined
  for (const { from, to, ranMs } of [...runs, { from: now, to: now, ranMs: 0 }].toSorted((x, y) => x.from - y.from)) {
    const excessMs = from - (reached ?? from) - maxSilenceMs
    if (excessMs > 0) silences.push({ until: from, excessMs })
    const leaptMs = to - from - ranMs - toleratedDriftMs
    if (leaptMs > 0) silences.push({ until: to, excessMs: leaptMs })
    reached = Math.max(reached ?? to, to)
  }
  return silences
}

export interface Retention {
  readonly directory: string
  readonly retentionDays: number
  readonly store: AuditLogStore
  readonly dataKeys: DataKeys
  readonly checkpointKey: CheckpointKey
  readonly clock: Clock
  /** How late it is at most: when the process started, by the clock, and what has passed since, whatever the clock says now. */
  readonly latestNow: () => number
  readonly silences: readonly Silence[]
  readonly logger: Logger
  /** The log that is being written, and how its expiry is noted. */
  readonly live: { readonly id: string; expireBefore(segment: number): Promise<void> }
  /** Makes the deletion an audit row of its own. */
  readonly record: ((event: AdminEvent) => Promise<void>) | undefined
}

/** Deletes what has expired. A log that cannot be read or noted is logged and passed over; rejects only when the logs cannot be listed. */
export async function expireSegments(retention: Retention): Promise<void> {
  for (const log of await retention.store.logs()) {
    try {
      await expireLog(retention, log)
    } catch (error) {
      retention.logger.warn(
        { log: log.id, error: describeError(error) },
        'audit segments that expired were not deleted',
      )
    }
  }
}

async function expireLog(retention: Retention, log: LogRegistration): Promise<void> {
  const { checkpoint } = log
  const isLive = log.id === retention.live.id
  if (checkpoint === undefined || checkpoint.log !== log.id) return
  if (!isGenuineCheckpoint(retention.checkpointKey, checkpoint)) return
  if (log.closedAt === undefined && !isLive) return
  const directory = path.join(retention.directory, log.id)
  const files = await listLogFiles(directory)
  if (files === undefined) return

  const firstKept = await firstKeptSegment(retention, log.id, checkpoint, files, isLive)
  if (firstKept > checkpoint.firstSegment) await noteExpiry(retention, log.id, checkpoint, firstKept, isLive)
  const expired = [...files.segments, ...files.torn].filter(({ number }) => number < firstKept)
  for (const file of expired) await unlink(file.path)
  if (expired.length === 0) return
  retention.logger.info({ log: log.id, segments: expired.length }, 'audit segments expired and were deleted')
  if (expired.length === files.segments.length + files.torn.length && !isLive) {
    // Only when nothing is left in it: other people's files are not ours to delete.
    await rmdir(directory).catch(() => undefined)
    syncDirectory(retention.directory)
  } else {
    syncDirectory(directory)
  }
}

async function noteExpiry(
  retention: Retention,
  logId: string,
  checkpoint: Checkpoint,
  firstKept: number,
  isLive: boolean,
): Promise<void> {
  const details = { from: checkpoint.firstSegment, to: firstKept - 1, retention_days: retention.retentionDays }
  await retention.record?.({ name: 'audit.segment_expired', subject: logId, details })
  if (isLive) {
    await retention.live.expireBefore(firstKept)
    return
  }
  // The time stays that of the log's end: it tells when the last segment expires.
  const { log, host, after, segment, n, mac, row, ranMs, at } = checkpoint
  const statement = { log, host, after, segment, n, mac, row, ranMs, firstSegment: firstKept }
  await retention.store.expireBefore(logId, signCheckpoint(retention.checkpointKey, statement, at))
}

/** The oldest segment that stays; one more than the newest when all go. */
async function firstKeptSegment(
  retention: Retention,
  logId: string,
  checkpoint: Checkpoint,
  files: LogFiles,
  isLive: boolean,
): Promise<number> {
  const retentionMs = retention.retentionDays * dayMs
  const segments = files.segments.filter(({ number }) => number >= checkpoint.firstSegment)
  let firstKept = checkpoint.firstSegment
  for (const [index, segment] of segments.entries()) {
    // A gap is a removal that verification reports; going on behind it would make it look like expiry.
    if (segment.number !== firstKept) break
    const next = segments[index + 1]
    if (next === undefined && isLive) break
    const endedAt = next === undefined ? checkpoint.at : await openingTime(next, logId, retention.dataKeys)
    if (endedAt === undefined || retention.clock.now() - endedAt <= retentionMs) break
    if (knownAge(retention, endedAt) <= retentionMs) {
      const message =
        'audit segments are kept although they are old by the clock: so much time is not known to have passed'
      retention.logger.warn({ log: logId, segment: segment.number }, message)
      break
    }
    firstKept = segment.number + 1
  }
  return firstKept
}

/** The age that is known to be real. */
function knownAge({ clock, latestNow, silences }: Retention, endedAt: EpochMs): number {
  const uncounted = silences.filter(({ until }) => until > endedAt).reduce((sum, { excessMs }) => sum + excessMs, 0)
  return Math.min(clock.now(), latestNow()) - endedAt - uncounted
}

/** When a segment was opened, as its first group says; `undefined` unless the group's MAC is right. */
async function openingTime(segment: SegmentFile, logId: string, dataKeys: DataKeys): Promise<EpochMs | undefined> {
  const file = await open(segment.path, 'r')
  try {
    for await (const group of readGroups(file, 0, segment.bytes)) {
      const header = readSegmentHeader(group.records)
      if (
        header === undefined ||
        header.segment !== segment.number ||
        group.seal === undefined ||
        group.seal === 'damaged'
      )
        break
      if (expectedMac(dataKeys, logId, header.previous, group) !== group.seal.mac) break
      const first = parseLine(group.records.toString('utf8', 0, group.records.indexOf(10)))
      return first !== undefined && 'record' in first ? first.record.at : undefined
    }
    return undefined
  } finally {
    await file.close()
  }
}

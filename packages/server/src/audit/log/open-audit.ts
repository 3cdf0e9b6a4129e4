import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Clock } from '../../kernel/clock.ts'
import { describeError, Fault } from '../../kernel/faults.ts'
import { newRequestId } from '../../kernel/ids.ts'
import type { Logger } from '../../kernel/log.ts'
import type { Random } from '../../kernel/random.ts'
import type { DataKeys } from '../../keys/data-keys.ts'
import type { CheckpointKey } from '../../keys/signing-keys.ts'
import { endUnclosedLogs } from './end-unclosed-logs.ts'
import type { AdminEvent } from '../events.ts'
import { keepCheckpoints } from './keep-checkpoints.ts'
import type { AuditLogStore } from '../ports.ts'
import type { AuditReader } from '../reader.ts'
import { defaultRetentionDays, expireSegments, longSilences } from './retention.ts'
import { takeTurns } from '../take-turns.ts'
import type { TokenEvent } from './token-events.ts'
import { openTokenLog, type AuditSync, type LogTimings } from './token-log.ts'

export interface AuditOptions {
  /** The directory of all logs; made here. No other process of the same `host` may be writing in it: its logs would be taken for crashed ones. */
  readonly directory: string
  /** Names this machine and data directory: the same after a restart, another on every other machine. */
  readonly host: string
  /** Whether the files of a host's logs lie in this directory too; by default only those of the same host. */
  readonly isHere?: (host: string) => boolean
  /** Whether this process ends the unclosed logs of a host; by default only those of the same host. No process of that host may be running. */
  readonly ends?: (host: string) => boolean
  /** Whether this process deletes what has expired; true by default. One process of a directory does. */
  readonly expires?: boolean
  readonly dataKeys: DataKeys
  readonly checkpointKey: CheckpointKey
  readonly store: AuditLogStore
  readonly sync: AuditSync
  readonly clock: Clock
  /** Milliseconds that have passed, whatever is done to the clock; `performance.now` by default. */
  readonly monotonic?: () => number
  readonly random: Random
  readonly logger: Logger
  /** Makes the expiry of segments an audit row. Without it only the signed checkpoint says so. */
  readonly record?: (event: AdminEvent) => Promise<void>
  /** 400 by default. */
  readonly retentionDays?: number
  /** 64 MiB by default. */
  readonly maxSegmentBytes?: number
  /** A day by default. */
  readonly maxSegmentAgeMs?: number
  /** A second by default. */
  readonly checkpointIntervalMs?: number
  /** When expired segments are first looked for, after the start; then each day. Ten minutes by default. */
  readonly firstExpiryMs?: number
  /** Told how long each write and each sync of the log took. */
  readonly timings?: LogTimings
}

/** The audit log of a running process. */
export interface Audit {
  readonly logId: string
  /** For listing and verifying. */
  readonly reader: AuditReader
  /** Records a group of events; see `TokenLog.append`. Rejects with Fault `audit.unwritable`, and then nothing of the group is in the log. */
  append(events: readonly TokenEvent[]): Promise<void>
  /** Why tokens cannot be recorded, in one line; undefined while they can. */
  problem(): string | undefined
  /** Since when checkpoints wait for the database; undefined when they do not. */
  checkpointsWaitSince(): number | undefined
  /** Saves a checkpoint now, if there is anything new. Runs each second by itself. */
  saveCheckpoint(): Promise<void>
  /** Deletes segments that have expired. Runs by itself ten minutes after the start, and then each day. */
  expire(): Promise<void>
  /** Closes the log and leaves its final checkpoint. Calling it again does nothing. */
  close(): Promise<void>
}

const dayMs = 86_400_000

/** Time to see that the clock is wrong before anything is deleted; and a server that does not last so long has other worries. */
const firstExpiryMs = 600_000

/**
 * Ends the logs that crashed processes left, registers a new one and opens it. Throws Fault `audit.unwritable` or `store.unavailable`.
 * Does not verify anything: a log that was tampered with does not keep the server from starting.
 */
export async function openAudit(options: AuditOptions): Promise<Audit> {
  const { directory, host, dataKeys, checkpointKey, store, sync, clock, random, logger } = options
  makeDirectory(directory)
  const registrations = await store.logs()
  const monotonic = options.monotonic ?? (() => performance.now())
  const startedAt = monotonic()
  // Before crashed logs are ended: that signs the time of now.
  const startTime = clock.now()
  const silences = longSilences(registrations, checkpointKey, startTime)
  const isOwn = (candidate: string) => candidate === host
  await endUnclosedLogs(registrations, { ...options, ends: options.ends ?? isOwn })

  // The time and 40 random bits: sorts by time, and is safe as a directory's name everywhere.
  const id = newRequestId(random, clock.now()).slice(0, 18)
  const logOptions = {
    directory: path.join(directory, id),
    id,
    sync,
    maxSegmentBytes: options.maxSegmentBytes ?? 64 * 1024 * 1024,
    maxSegmentAgeMs: options.maxSegmentAgeMs ?? dayMs,
    lastRow: () => checkpoints.lastRow(),
    timings: options.timings,
  }
  const log = openTokenLog(logOptions, dataKeys, clock)
  const source = {
    log: id,
    host,
    after: registrations.at(-1)?.id ?? '',
    synced: () => log.synced(),
    ranMs: () => Math.round(monotonic() - startedAt),
  }
  const checkpoints = keepCheckpoints(source, store, checkpointKey, clock, logger)
  await checkpoints.register()

  const undisturbed = takeTurns()
  const retention = {
    directory,
    store,
    dataKeys,
    checkpointKey,
    clock,
    latestNow: () => startTime + monotonic() - startedAt,
    silences,
    logger,
    record: options.record,
    retentionDays: options.retentionDays ?? defaultRetentionDays,
    live: { id, expireBefore: (segment: number) => checkpoints.expireBefore(segment) },
  }
  const expire = (): Promise<void> => undisturbed(() => expireSegments(retention))
  const expireQuietly = (): void => {
    expire().catch((error: unknown) => {
      logger.warn({ error: describeError(error) }, 'expired audit segments were not looked for')
    })
  }
  const expires = options.expires !== false
  let expiryTimer = expires
    ? setTimeout(() => {
        expireQuietly()
        expiryTimer = setInterval(expireQuietly, dayMs).unref()
      }, options.firstExpiryMs ?? firstExpiryMs)
    : undefined
  const checkpointTimer = setInterval(() => {
    void checkpoints.save()
    log.check()
    // An empty group shows when the disk takes records again: a server that is not ready is asked for no tokens that would.
    if (log.problem() !== undefined) log.append([]).catch(() => undefined)
  }, options.checkpointIntervalMs ?? 1000)
  expiryTimer?.unref()
  checkpointTimer.unref()
  let closing: Promise<void> | undefined

  async function close(): Promise<void> {
    clearInterval(expiryTimer)
    clearInterval(checkpointTimer)
    // The closing record vouches for the last row.
    await checkpoints.save()
    try {
      await log.close()
    } catch (error) {
      // Not closed in order, so not said to be: the next start looks at what is on the disk.
      logger.error({ log: id, error: describeError(error) }, 'the audit log could not be closed')
      await checkpoints.save()
      return
    }
    await checkpoints.close()
  }

  return {
    logId: id,
    reader: {
      directory,
      host,
      isHere: options.isHere ?? isOwn,
      dataKeys,
      checkpointKey,
      store,
      clock,
      live: { id, written: () => log.written() },
      undisturbed,
    },
    append: (events) => log.append(events),
    problem: () => log.problem()?.message,
    checkpointsWaitSince: () => checkpoints.waitingSince(),
    saveCheckpoint: () => checkpoints.save(),
    expire,
    close: () => (closing ??= close()),
  }
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new Fault(
      'audit.unwritable',
      `cannot make the audit directory ${directory}: ${describeError(error)}`,
      'give the server write access to its data directory',
      { cause: error },
    )
  }
}

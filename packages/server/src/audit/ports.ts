import type { EpochMs } from '@latchkey/protocol'
import type { Checkpoint, RowPosition } from './log/checkpoint.ts'
import type { AuditRow } from './events.ts'

/** A token log as the database knows it: one for each process that ever ran. */
export interface LogRegistration {
  readonly id: string
  /** Where its files are: host name and data directory. */
  readonly host: string
  readonly openedAt: EpochMs
  readonly closedAt: EpochMs | undefined
  /** The oldest segment that has not expired. */
  readonly firstSegment: number
  /** The latest one; there is one from the registration on. One that cannot be read has an empty signature. */
  readonly checkpoint: Checkpoint | undefined
}

export interface AuditLogStore {
  /** Oldest first. */
  logs(): Promise<LogRegistration[]>
  register(log: LogRegistration): Promise<void>
  saveCheckpoint(logId: string, checkpoint: Checkpoint, closedAt: EpochMs | undefined): Promise<void>
  /** Notes that segments before the checkpoint's `firstSegment` are deleted by the retention policy, together with that checkpoint. */
  expireBefore(logId: string, checkpoint: Checkpoint): Promise<void>
  /** The newest row; `noRows` when there is none. */
  lastRow(): Promise<RowPosition>
  /** All rows in order, a page at a time. Rows whose details are no JSON of ours come with details that cannot pass the chain. */
  rows(afterSequence: number, limit: number): Promise<AuditRow[]>
  /** Rows newest first, those at or before `until` and before `sequence`. */
  rowsBefore(sequence: number, until: EpochMs, limit: number): Promise<AuditRow[]>
}

/** What happened to one client lately, for `whoami` and diagnosis. */
export interface UsageDigest {
  readonly clientId: string
  /** Start of the hour. */
  readonly hour: EpochMs
  readonly granted: number
  readonly denied: number
}

export interface RecentRefusal {
  readonly clientId: string
  readonly at: EpochMs
  readonly requestId: string
  readonly reason: string
  readonly address: string
}

/** Written behind, in batches; a convenience, never the evidence. */
export interface DigestStore {
  /** Adds to the counters, and keeps the newest `keepRefusals` refusals of each client. */
  record(counters: readonly UsageDigest[], refusals: readonly RecentRefusal[], keepRefusals: number): Promise<void>
  /** Newest first. */
  recentRefusals(clientId: string): Promise<RecentRefusal[]>
  /** Newest first. */
  usage(clientId: string): Promise<UsageDigest[]>
}

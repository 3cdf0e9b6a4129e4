import { describeError } from '../../kernel/faults.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Logger } from '../../kernel/log.ts'
import type { CheckpointKey } from '../../keys/signing-keys.ts'
import { noRows, signCheckpoint, type LogPosition, type RowPosition } from './checkpoint.ts'
import type { AuditLogStore } from '../ports.ts'
import { takeTurns } from '../take-turns.ts'

export interface CheckpointSource {
  readonly log: string
  readonly host: string
  readonly after: string
  /** The last record known to be on the disk: a checkpoint never runs ahead of it. */
  synced(): LogPosition
  /** How long the process has run, in milliseconds, whatever was done to the clock. */
  ranMs(): number
}

/** Keeps the database's checkpoint of the log that is being written up to date. */
export interface CheckpointKeeper {
  /** The first checkpoint and the registration with it. Rejects when the store is away. */
  register(): Promise<void>
  /** Saves one when log or rows have advanced. Never rejects: while the store is away, checkpoints wait. */
  save(): Promise<void>
  /** Notes that older segments are about to be deleted. Rejects when the store is away; then nothing may be deleted. */
  expireBefore(segment: number): Promise<void>
  /** The last one, with the closing time. Never rejects; without it the next start ends the log. */
  close(): Promise<void>
  /** The last row that was seen in the database. */
  lastRow(): RowPosition
  /** Since when checkpoints wait; undefined when they do not. */
  waitingSince(): number | undefined
}

export function keepCheckpoints(
  source: CheckpointSource,
  store: AuditLogStore,
  key: CheckpointKey,
  clock: Clock,
  logger: Logger,
): CheckpointKeeper {
  const { log, host, after } = source
  const inTurn = takeTurns()
  let firstSegment = 1
  let saved: { readonly n: number; readonly row: number } = { n: -1, row: -1 }
  let seenRow = noRows
  let waitingSince: number | undefined

  function sign(row: RowPosition) {
    return signCheckpoint(
      key,
      { ...source.synced(), log, host, after, firstSegment, row, ranMs: source.ranMs() },
      clock.now(),
    )
  }

  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      if (waitingSince !== undefined) logger.info({ log }, 'audit checkpoints are saved again')
      waitingSince = undefined
    } catch (error) {
      if (waitingSince !== undefined) return
      waitingSince = clock.now()
      logger.warn({ log, error: describeError(error) }, 'audit checkpoints wait: the database does not take them')
    }
  }

  return {
    register: () =>
      inTurn(async () => {
        seenRow = await store.lastRow()
        const checkpoint = sign(seenRow)
        await store.register({ id: log, host, openedAt: checkpoint.at, closedAt: undefined, firstSegment, checkpoint })
        saved = { n: checkpoint.n, row: checkpoint.row.sequence }
      }),
    save: () =>
      inTurn(() =>
        attempt(async () => {
          const row = await store.lastRow()
          seenRow = row
          const checkpoint = sign(row)
          if (checkpoint.n === saved.n && row.sequence === saved.row) return
          await store.saveCheckpoint(log, checkpoint, undefined)
          saved = { n: checkpoint.n, row: row.sequence }
        }),
      ),
    expireBefore: (segment) =>
      inTurn(async () => {
        const before = firstSegment
        firstSegment = segment
        try {
          await store.expireBefore(log, sign(await store.lastRow()))
        } catch (error) {
          firstSegment = before
          throw error
        }
      }),
    close: () =>
      inTurn(() =>
        attempt(async () => {
          const checkpoint = sign(await store.lastRow())
          await store.saveCheckpoint(log, checkpoint, checkpoint.at)
        }),
      ),
    lastRow: () => seenRow,
    waitingSince: () => waitingSince,
  }
}

import path from 'node:path'
import type { EpochMs } from '@latchkey/protocol'
import type { Clock } from '../../kernel/clock.ts'
import { describeError } from '../../kernel/faults.ts'
import type { Logger } from '../../kernel/log.ts'
import type { DataKeys } from '../../keys/data-keys.ts'
import type { CheckpointKey } from '../../keys/signing-keys.ts'
import { isGenuineCheckpoint, signCheckpoint } from './checkpoint.ts'
import type { AuditLogStore, LogRegistration } from '../ports.ts'
import { recoverLog } from './recover-log.ts'

/** How long after its last checkpoint a process may have gone on, at most, as far as it counts. */
const maxUnknownMs = 2 * 86_400_000

export interface EndingOptions {
  readonly directory: string
  /** Whether the unclosed logs of this host are to be ended. */
  readonly ends: (host: string) => boolean
  readonly dataKeys: DataKeys
  readonly checkpointKey: CheckpointKey
  readonly store: AuditLogStore
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Ends the logs of a host whose processes did not close them: torn tails are set aside, and each gets its final checkpoint. A log that is
 * not as a crash leaves it stays open and untouched, and is reported at every start; so is one that cannot be mended now, say on a full disk.
 */
export async function endUnclosedLogs(
  registrations: readonly LogRegistration[],
  options: EndingOptions,
): Promise<void> {
  for (const registration of registrations) {
    if (registration.closedAt !== undefined || !options.ends(registration.host)) continue
    try {
      await endLog(registration, options)
    } catch (error) {
      options.logger.error(
        { log: registration.id, error: describeError(error) },
        'an earlier audit log could not be ended',
      )
    }
  }
}

async function endLog(registration: LogRegistration, options: EndingOptions): Promise<void> {
  const { id, checkpoint } = registration
  const { logger, store, checkpointKey } = options
  if (checkpoint === undefined || checkpoint.log !== id || !isGenuineCheckpoint(checkpointKey, checkpoint)) {
    logger.error({ log: id }, 'the checkpoint of an earlier audit log is not genuine; run `latchkey audit verify`')
    return
  }
  const recovery = await recoverLog(path.join(options.directory, id), id, checkpoint, options.dataKeys)
  if (recovery.kind === 'evidence') {
    const message =
      'an earlier audit log is not as a crash would leave it; it was not touched, run `latchkey audit verify`'
    logger.error({ log: id, found: recovery.message }, message)
    return
  }
  for (const { file, bytes } of recovery.setAside) {
    logger.warn(
      { log: id, file, bytes },
      'an earlier process ended while it wrote the audit log; the torn end was set aside',
    )
  }
  const { host, after, firstSegment, row, ranMs } = checkpoint
  const now = options.clock.now()
  // Retention counts on this time, and a clock that is wrong now must not make the log a long one: the process made a checkpoint each second.
  const endedBy = Math.min(now, checkpoint.at + maxUnknownMs) as EpochMs
  const ran = ranMs === undefined ? undefined : ranMs + endedBy - checkpoint.at
  const statement = { ...recovery.position, log: id, host, after, firstSegment, row, ranMs: ran }
  const final = signCheckpoint(checkpointKey, statement, endedBy)
  await store.saveCheckpoint(id, final, now)
  logger.info({ log: id, records: recovery.position.n }, 'ended the audit log of a process that did not close it')
}

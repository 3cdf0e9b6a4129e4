import { readdir } from 'node:fs/promises'
import path from 'node:path'
import type { EpochMs } from '@latchkey/protocol'
import { timeOfRequestId } from '../../kernel/ids.ts'
import { isGenuineCheckpoint, type Checkpoint } from '../log/checkpoint.ts'
import { collectFindings, type Findings } from './findings.ts'
import type { LogRegistration } from '../ports.ts'
import type { AuditReader } from '../reader.ts'
import type { VerificationReport } from './report.ts'
import { isMissing } from '../log/segment-files.ts'
import { verificationLimits } from './verification-limits.ts'
import { verifyLog, type LogUnderTest, type VerifiedLog } from './verify-log.ts'
import { verifyRows, type VouchedRow } from './verify-rows.ts'

/**
 * Verifies the administrative rows and every token log, streaming: other work goes on meanwhile. Only reads; what it finds is its answer.
 * What it cannot find stands in the report. Throws Fault `store.unavailable` when the database cannot even list the logs.
 */
export function verifyAudit(reader: AuditReader): Promise<VerificationReport> {
  return reader.undisturbed(async () => {
    const findings = collectFindings()
    // Before the registrations: a log that another process registers meanwhile must not look unknown.
    const directories = await listDirectories(reader.directory)
    const registrations = await reader.store.logs()
    const written = reader.live.written()
    const known = new Map(registrations.map((registration) => [registration.id, registration]))

    const verified: VerifiedLog[] = []
    const vouchedRows: VouchedRow[] = []
    for (const registration of registrations) {
      const checkpoint = genuineCheckpoint(reader, registration, known, findings)
      if (checkpoint !== undefined)
        vouchedRows.push({ ...checkpoint.row, by: 'a checkpoint', openedAt: openedAt(registration.id) })
      const isLive = registration.id === reader.live.id
      const result = await verifyLog(
        {
          id: registration.id,
          directory: path.join(reader.directory, registration.id),
          firstSegment: checkpoint?.firstSegment ?? 1,
          checkpoint,
          written: isLive ? written : undefined,
          isClosed: registration.closedAt !== undefined,
          // A worker of this server may be writing it.
          mayGrow:
            registration.closedAt === undefined &&
            !isLive &&
            registration.host !== reader.host &&
            reader.isHere(registration.host),
        },
        reader.dataKeys,
        findings,
      )
      if (result === undefined) judgeAbsence(reader, registration, checkpoint, findings)
      else {
        verified.push(result)
        vouchedRows.push(...vouchedBy(registration.id, result))
      }
    }
    if (!known.has(reader.live.id)) {
      const message = 'the log that this process is writing is not registered in the database any more'
      findings.problem('removed', `log ${reader.live.id}`, message)
    }
    for (const id of directories.filter((directory) => !known.has(directory))) {
      const result = await verifyLog(unregistered(reader, id), reader.dataKeys, findings)
      if (result === undefined || result.segments === 0) continue
      verified.push(result)
      const message =
        'the database does not know this log: it was restored from a backup made before, or the registration was deleted; the end of the log cannot be checked'
      findings.warning('unregistered', `log ${id}`, message)
    }
    const rows = await verifyRows(reader.store, vouchedRows, reader.dataKeys, findings)
    return {
      intact: findings.problems() === 0,
      checked: {
        rows,
        logs: verified.length,
        segments: verified.reduce((sum, { segments }) => sum + segments, 0),
        records: verified.reduce((sum, { records }) => sum + records, 0),
      },
      findings: findings.list(),
      limits: verificationLimits,
    }
  })
}

/** The log's checkpoint when it is ours, belongs to this log, and agrees with the registration. */
function genuineCheckpoint(
  reader: AuditReader,
  { id, host, firstSegment, checkpoint }: LogRegistration,
  known: ReadonlyMap<string, LogRegistration>,
  findings: Findings,
): Checkpoint | undefined {
  const where = `audit_logs ${id}`
  if (checkpoint === undefined) {
    findings.problem('removed', where, 'the checkpoint is missing; every log has one from its registration on')
    return undefined
  }
  if (!isGenuineCheckpoint(reader.checkpointKey, checkpoint)) {
    findings.problem('forged', where, 'the checkpoint was not signed by this installation')
    return undefined
  }
  if (checkpoint.log !== id) {
    findings.problem('forged', where, `the checkpoint is that of log ${checkpoint.log}`)
    return undefined
  }
  if (checkpoint.host !== host || checkpoint.firstSegment !== firstSegment) {
    findings.problem('edited', where, 'host or first segment are not those that the checkpoint was signed with')
  }
  if (checkpoint.after !== '' && !known.has(checkpoint.after)) {
    const message = `the registration is missing; log ${id} was registered after it`
    findings.problem('removed', `audit_logs ${checkpoint.after}`, message)
  }
  return checkpoint
}

/** Decides what it means that a registered log has no directory. */
function judgeAbsence(
  reader: AuditReader,
  registration: LogRegistration,
  checkpoint: Checkpoint | undefined,
  findings: Findings,
): void {
  const where = `log ${registration.id}`
  const host = checkpoint?.host ?? registration.host
  const written = registration.id === reader.live.id ? reader.live.written() : undefined
  const reached = Math.max(checkpoint?.n ?? 0, written?.n ?? 0)
  if (!reader.isHere(host)) {
    findings.note('not_here', where, `its files are on ${host}; verify them there`)
  } else if (checkpoint !== undefined && written === undefined && checkpoint.firstSegment > checkpoint.segment) {
    findings.note('expired', where, 'all of its segments were deleted by the retention policy')
  } else if (reached > 0) {
    findings.problem('removed', where, `its directory is missing; it held at least ${reached} records`)
  } else if (checkpoint === undefined) {
    findings.problem('removed', where, 'its directory is missing')
  }
}

function vouchedBy(logId: string, { rows }: VerifiedLog): VouchedRow[] {
  return rows.map((row) => ({ ...row, by: 'a token log', openedAt: openedAt(logId) }))
}

/** A log's id begins with the time at which it was opened, and is part of every MAC in it. */
function openedAt(logId: string): EpochMs | undefined {
  return timeOfRequestId(logId.padEnd(26, '0'))
}

function unregistered(reader: AuditReader, id: string): LogUnderTest {
  return {
    id,
    directory: path.join(reader.directory, id),
    firstSegment: undefined,
    checkpoint: undefined,
    written: undefined,
    isClosed: false,
    mayGrow: false,
  }
}

async function listDirectories(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

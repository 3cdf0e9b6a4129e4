import type { SigningAlgorithm } from '@latchkey/protocol'
import type { AdminEvent, AuditRow } from '../audit/events.ts'
import { chainRow } from '../audit/row-chain.ts'
import type { Clock } from '../kernel/clock.ts'
import { Fault } from '../kernel/faults.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import type { MasterKey } from '../keys/master-key.ts'
import type { BackupRow, RestoreTarget, RestoreTransaction, RowSealer, TableShape } from './ports.ts'
import { invalid, readBackup } from './read-backup.ts'
import { restoreSteps } from './restore-steps.ts'
import { verifyBackup, type VerifiedBackup } from './verify-backup.ts'

export interface RestoreRequest {
  readonly file: string
  readonly masterKey: MasterKey
  readonly target: RestoreTarget
  readonly clock: Clock
  /** What new signing keys are made for. */
  readonly algorithm: SigningAlgorithm
  /** Whether an installation that is there may go. */
  readonly replace: boolean
  /** Who restores, for the administrative row that says so. */
  readonly actor: { readonly actor: string; readonly requestId: string }
}

/** What a restore came to. */
export interface Restored {
  readonly madeAt: number
  readonly version: string
  readonly issuer: string
  readonly rows: number
  /** Migrations that brought an older schema up to date. */
  readonly migrated: readonly string[]
  /** What was ended, in words. */
  readonly steps: readonly string[]
  /** The newest administrative row of the backup. */
  readonly lastRow: number
  /** Changes that the replaced database had beyond the backup, oldest first: to be looked through, and done again. */
  readonly lost: readonly AuditRow[]
  readonly hasMoreLost: boolean
}

/** Changes that are listed as lost. */
const maxLost = 1000
/** Rows put in at a time. */
const rowsPerInsert = 500

/**
 * Puts a backup in place of what the database holds. The whole file is checked before anything is changed; then all of it happens in one
 * transaction, or nothing. Throws Fault `backup.invalid`, `schema.newer`, `restore.not_empty`, `restore.in_use`, `restore.clock`.
 */
export async function restore(request: RestoreRequest): Promise<Restored> {
  const { file, masterKey, target, clock } = request
  const backup = await verifyBackup(file, masterKey)
  const { header } = backup
  const shape = await target.shape(header.migrations)
  if (shape === undefined) throw newer(backup)
  if (!isSameShape(shape, header.tables)) throw invalid(file, 'its tables are not those of its schema')
  await refuseUnlessFree(request, backup)

  return target.transaction(async (tx) => {
    const moment = {
      now: clock.now(),
      handedOut: await tx.handedOut(),
      dataKeys: backup.dataKeys,
      algorithm: request.algorithm,
    }
    const lost = await tx.changesAfter(header.last_row, maxLost + 1)
    await tx.begin(header.migrations)
    await insertRows(tx, backup, shape)
    const migrated = await tx.migrate()
    for (const step of restoreSteps) await step.perform(tx.endings, moment)
    const restored: Restored = {
      madeAt: header.made_at,
      version: header.version,
      issuer: header.issuer,
      rows: backup.rows,
      migrated,
      steps: restoreSteps.map(({ name }) => name),
      lastRow: header.last_row.sequence,
      lost: lost.slice(0, maxLost),
      hasMoreLost: lost.length > maxLost,
    }
    await tx.record(
      rowSealer(backup.dataKeys),
      { ...request.actor, now: moment.now },
      restoredEvent(backup, lost.length),
    )
    return restored
  })
}

async function refuseUnlessFree({ target, replace, clock }: RestoreRequest, { header }: VerifiedBackup): Promise<void> {
  const { isEmpty, others } = await target.state()
  if (others.length > 0) {
    throw new Fault(
      'restore.in_use',
      `in contact with the database: ${others.join('; ')}`,
      'stop every server on this database, then restore; nothing was changed',
    )
  }
  if (!isEmpty && !replace) {
    throw new Fault(
      'restore.not_empty',
      'the database holds an installation already',
      'take a backup of it if you can, then repeat with --replace --yes; nothing was changed',
    )
  }
  if (clock.now() < header.made_at) {
    throw new Fault(
      'restore.clock',
      `the clock says ${new Date(clock.now()).toISOString()}, before the backup was made (${new Date(header.made_at).toISOString()})`,
      'set the clock of this machine: tokens of before are told from those of after by it; nothing was changed',
    )
  }
}

async function insertRows(tx: RestoreTransaction, backup: VerifiedBackup, shape: readonly TableShape[]): Promise<void> {
  const { file, contentSha256 } = backup
  const tables = new Map(shape.map((table) => [table.name, table]))
  const reading = readBackup(file)
  let waiting: BackupRow[] = []
  let current: TableShape | undefined
  const flush = async (): Promise<void> => {
    if (current !== undefined && waiting.length > 0) await tx.insert(current, waiting)
    waiting = []
  }
  for await (const line of reading.lines) {
    if (line.kind !== 'row') continue
    if (line.table !== current?.name || waiting.length >= rowsPerInsert) {
      await flush()
      current = tables.get(line.table)
    }
    if (current === undefined || line.values.length !== current.columns.length) {
      throw invalid(file, `a row of ${line.table} does not have its columns`)
    }
    waiting.push(line.values)
  }
  await flush()
  if (!reading.contentSha256().equals(contentSha256)) throw invalid(file, 'it was changed while it was being restored')
}

/** `last_row` is where the chain of before ends and this row goes on: `audit verify` explains by it what older logs know of later rows. */
function restoredEvent({ header, rows, contentSha256 }: VerifiedBackup, lost: number): AdminEvent {
  const { made_at, version, last_row } = header
  const details = {
    made_at,
    version,
    rows,
    content_sha256: contentSha256.toString('hex'),
    last_row: last_row.sequence,
    lost,
  }
  return { name: 'backup.restored', subject: '', details }
}

function rowSealer(dataKeys: DataKeys): RowSealer {
  return { keyId: () => dataKeys.current('audit-mac'), chain: (previous, row) => chainRow(dataKeys, previous, row) }
}

function isSameShape(ours: readonly TableShape[], theirs: readonly TableShape[]): boolean {
  const plain = (tables: readonly TableShape[]): string =>
    JSON.stringify(tables.map(({ name, columns }) => [name, columns] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return plain(ours) === plain(theirs)
}

function newer({ header }: VerifiedBackup): Fault {
  return new Fault(
    'schema.newer',
    `the backup was made by a newer Latchkey (${header.version}), whose schema is not known here`,
    `restore it with version ${header.version} or a later one; nothing was changed`,
  )
}

import type { EpochMs } from '@latchkey/protocol'
import { describeError } from '../../kernel/faults.ts'
import type { DataKeys } from '../../keys/data-keys.ts'
import type { RowPosition } from '../log/checkpoint.ts'
import type { AuditRow } from '../events.ts'
import type { Findings } from './findings.ts'
import type { AuditLogStore } from '../ports.ts'
import { chainRow, emptyChain } from '../row-chain.ts'

const pageRows = 500
/** By how many numbers rows may have been moved, to hide that some were removed or added, and still be recognized. */
const maxShift = 32
/** How many bad rows are tried in every order. */
const maxPermuted = 32
/** How many bad rows, and runs of them, are held before they are reported. */
const maxRun = 1000

/** A row that was there, and who says so. */
export interface VouchedRow extends RowPosition {
  readonly by: 'a checkpoint' | 'a token log'
  /** When the log was opened that vouches for it, by itself or its checkpoint; undefined when that cannot be told. */
  readonly openedAt: EpochMs | undefined
}

/** A backup that was restored: rows behind `lastRow` that logs of before know are gone, as they must be. */
interface Restoration {
  readonly at: EpochMs
  readonly lastRow: number
}

/**
 * Verifies the chain of administrative rows, and that it still reaches what genuine checkpoints and token logs vouch for. Goes on behind whatever is wrong.
 * Returns how many rows there are.
 */
export async function verifyRows(
  store: Pick<AuditLogStore, 'rows'>,
  vouched: readonly VouchedRow[],
  dataKeys: DataKeys,
  findings: Findings,
): Promise<number> {
  const walk = rowWalk(dataKeys, findings)
  const wanted = new Map<string, VouchedRow>()
  for (const row of vouched) {
    const key = `${row.sequence} ${row.mac}`
    if (row.sequence > 0 && !wanted.has(key)) wanted.set(key, row)
  }
  const restorations: Restoration[] = []
  let before = emptyChain
  let after = Number.MIN_SAFE_INTEGER
  let count = 0
  for (;;) {
    let page: AuditRow[]
    try {
      page = await store.rows(after, pageRows)
    } catch (error) {
      findings.problem(
        'unreadable',
        `audit_rows after ${Math.max(after, 0)}`,
        `the rows cannot be read: ${describeError(error)}`,
      )
      walk.finish()
      return count
    }
    for (const row of page) {
      walk.row(row)
      const restoration = readRestoration(row, before, dataKeys)
      if (restoration !== undefined) restorations.push(restoration)
      before = row.mac
      wanted.delete(`${row.sequence} ${row.mac}`)
    }
    count += page.length
    const last = page.at(-1)?.sequence
    if (page.length < pageRows || typeof last !== 'number' || last <= after) break
    after = last
  }
  walk.finish()
  for (const vouchedRow of wanted.values()) {
    const { sequence, by } = vouchedRow
    const restoration = restorations.find((each) => isLostBy(each, vouchedRow))
    if (restoration !== undefined) {
      const when = new Date(restoration.at).toISOString()
      const message = `the backup restored at ${when} was made before this row; ${by} of then still knows it`
      findings.note('restored', `audit_rows ${sequence}`, message)
      continue
    }
    const isThere = sequence <= walk.last()
    const message = isThere
      ? `the row is not the one that ${by} vouches for`
      : `the rows end with ${walk.last()}, before this one, which ${by} vouches for`
    const why =
      by === 'a token log' ? '; the database is older than the log: it was put back, or rows were removed' : ''
    findings.problem(isThere ? 'edited' : 'cut_off', `audit_rows ${sequence}`, message + why)
  }
  return count
}

/** What a row says of a restore; `undefined` unless it says so and its MAC is right: nobody without the keys can explain anything away. */
function readRestoration(row: AuditRow, previousMac: string, dataKeys: DataKeys): Restoration | undefined {
  const lastRow = row.details['last_row']
  if (row.name !== 'backup.restored' || typeof lastRow !== 'number') return undefined
  try {
    return chainRow(dataKeys, previousMac, row) === row.mac ? { at: row.at, lastRow } : undefined
  } catch {
    // A key that there is not.
    return undefined
  }
}

/** Only of logs that were opened before: what a later one vouches for was there after the restore. */
function isLostBy({ at, lastRow }: Restoration, { sequence, openedAt }: VouchedRow): boolean {
  return sequence > lastRow && openedAt !== undefined && openedAt < at
}

interface RowWalk {
  row(row: AuditRow): void
  finish(): void
  last(): number
}

function rowWalk(dataKeys: DataKeys, findings: Findings): RowWalk {
  let last = 0
  /** How many numbers lower the rows here stand than when they were written. */
  let shift = 0
  let lastGoodMac = emptyChain
  let carried: readonly string[] = [emptyChain]
  /** Bad rows next to each other, until a good one follows. */
  let run: AuditRow[] = []
  /** Such runs, each with the MAC before it. */
  let runs: { readonly rows: readonly AuditRow[]; readonly before: string }[] = []
  let isAfterGap = false

  function macOf(previous: string, row: AuditRow, sequence: number): string | undefined {
    try {
      return chainRow(dataKeys, previous, { ...row, sequence })
    } catch {
      // A key that there is not.
      return undefined
    }
  }

  function findShift(row: AuditRow): number | undefined {
    const others = run.length === 0 ? [] : Array.from({ length: maxShift * 2 + 1 }, (_, index) => index - maxShift)
    const shifts = [shift, ...others]
    return shifts.find((by) => carried.some((previous) => macOf(previous, row, row.sequence + by) === row.mac))
  }

  function check(row: AuditRow): void {
    if (!Number.isSafeInteger(row.sequence) || row.sequence < 1) {
      findings.problem('edited', `audit_rows ${row.sequence}`, 'no row has such a number')
      return
    }
    if (row.sequence > last + 1) {
      settle()
      const which = row.sequence === last + 2 ? `${last + 1}` : `${last + 1}–${row.sequence - 1}`
      findings.problem('removed', `audit_rows ${which}`, 'missing')
      isAfterGap = true
      shift = 0
    }
    last = row.sequence
    const found = isAfterGap ? undefined : findShift(row)
    if (found === undefined && !isAfterGap) {
      run.push(row)
      const computed = carried.slice(0, 2).map((previous) => macOf(previous, row, row.sequence))
      carried = [...new Set([row.mac, ...computed.filter((mac) => mac !== undefined)])]
      if (run.length >= maxRun) settle()
      return
    }
    if (found !== undefined && found !== shift) {
      const from = run[0]?.sequence ?? row.sequence
      const isRemoval = found > shift
      const what = `${Math.abs(found - shift)} rows were ${isRemoval ? 'removed' : 'added'}`
      findings.problem(
        isRemoval ? 'removed' : 'edited',
        `audit_rows ${from}`,
        `${what} here, and those behind renumbered`,
      )
      run = []
      shift = found
    }
    // What stands right behind a gap cannot be checked: its MAC covers that of a row which is gone.
    isAfterGap = false
    settle()
    lastGoodMac = row.mac
    carried = [row.mac]
  }

  function settle(): void {
    if (run.length > 0) runs.push({ rows: run, before: lastGoodMac })
    run = []
    if (runs.length > maxRun) finish()
  }

  /** Reports the bad rows that have been gathered. */
  function finish(): void {
    settle()
    const bad = runs.flatMap(({ rows }) => rows)
    const moved = bad.length <= maxPermuted ? solveOrder(bad) : new Map<number, number>()
    for (const [sequence, was] of moved) {
      if (sequence !== was)
        findings.problem('reordered', `audit_rows ${sequence}`, `the row was written as number ${was}`)
    }
    for (const { rows } of runs) {
      const edited = rows.filter(({ sequence }) => !moved.has(sequence))
      const from = edited[0]?.sequence
      const to = edited.at(-1)?.sequence
      if (from === undefined || to === undefined) continue
      const where = `audit_rows ${from === to ? from : `${from}–${to}`}`
      findings.problem('edited', where, 'not as written, or a row before was replaced')
    }
    runs = []
  }

  /** Which number each bad row was written with, for those that fit somewhere among them. */
  function solveOrder(bad: readonly AuditRow[]): Map<number, number> {
    const macs = [...runs.map(({ before }) => before), ...bad.map(({ mac }) => mac)]
    const sequences = bad.map(({ sequence }) => sequence)
    const moved = new Map<number, number>()
    for (const row of bad) {
      const was = sequences.find((sequence) => macs.some((previous) => macOf(previous, row, sequence) === row.mac))
      if (was !== undefined) moved.set(row.sequence, was)
    }
    return moved
  }

  return { row: check, finish, last: () => last }
}

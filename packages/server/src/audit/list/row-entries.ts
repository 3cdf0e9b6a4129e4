import { rowEntry, type EntryFilter } from './entry-filter.ts'
import { budgetShare, type EntrySource, type ReadBudget } from './entry-source.ts'
import type { AuditRow } from '../events.ts'
import type { AuditLogStore } from '../ports.ts'
import type { AuditEntry } from './query.ts'

const pageRows = 200
/** What a row counts in the budget. */
const rowBytes = 500
/** A row may be older than one before it only by as much as the clock was set back. */
const clockStepMs = 60_000

/** The administrative rows. */
export interface RowEntries extends EntrySource {
  /** What has been gone through: rows with lower numbers come next. */
  before(): number
}

/** Lists rows with numbers lower than `before`. */
export function rowEntries(
  store: Pick<AuditLogStore, 'rowsBefore'>,
  filter: EntryFilter,
  before: number,
  budget: ReadBudget,
): RowEntries {
  const share = budgetShare(budget)
  let next = before
  let head: { readonly entry: AuditEntry; readonly sequence: number } | undefined
  let page: AuditRow[] = []
  let isAtEnd = false

  async function search(): Promise<void> {
    while (head === undefined && !isAtEnd) {
      if (page.length === 0) {
        if (!share.mayRead(pageRows * rowBytes)) return
        page = await store.rowsBefore(next, filter.until, pageRows)
        if (page.length === 0) isAtEnd = true
      }
      const row = page.shift()
      if (row === undefined) continue
      next = row.sequence
      if (row.at < filter.from - clockStepMs) isAtEnd = true
      const entry = rowEntry(row)
      if (filter.matches(entry)) head = { entry, sequence: row.sequence }
    }
  }

  return {
    async peek() {
      await search()
      return head?.entry
    },
    take() {
      head = undefined
    },
    isCutShort: () => share.isCutShort(),
    before: () => (head === undefined ? next : head.sequence + 1),
    close: () => Promise.resolve(),
  }
}

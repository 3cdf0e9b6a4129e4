import path from 'node:path'
import type { Page } from '../../kernel/page.ts'
import { entryFilter, type EntryFilter } from './entry-filter.ts'
import { readBudget, type EntrySource } from './entry-source.ts'
import { decodeListCursor, encodeListCursor, type ListCursor } from './list-cursor.ts'
import { logEntries, type LogEntries, type LogPlace } from './log-entries.ts'
import type { LogRegistration } from '../ports.ts'
import type { AuditEntry, AuditQuery } from './query.ts'
import type { AuditReader } from '../reader.ts'
import { rowEntries } from './row-entries.ts'

/**
 * What one call reads at most, in bytes: a fraction of a second. A filter that matches little can therefore get a page with few entries or
 * none, and a cursor to go on with.
 */
const defaultMaxBytes = 128 * 1024 * 1024
const endOfTime = Number.MAX_SAFE_INTEGER

/**
 * One page of administrative rows and token events together, newest first. Reads backwards from the end, and opens a log only when its turn
 * comes. Lists logs whose files are here, and does not check them: see `verifyAudit`. A request id that is not found at its own time is looked
 * for everywhere, in case the clock was set back. Throws Fault `store.unavailable`, and UnreadableCursor.
 */
export async function listAudit(
  reader: AuditReader,
  query: AuditQuery,
  maxBytes: number = defaultMaxBytes,
): Promise<Page<AuditEntry>> {
  const cursor = decodeListCursor(query.cursor)
  const registrations = await reader.store.logs()
  const from = cursor ?? firstPage(reader.clock.now(), registrations)
  const page = await listFrom(reader, registrations, query, from, maxBytes)
  const isNowhere = page.items.length === 0 && page.nextCursor === undefined && !from.hasFound
  if (query.requestId === undefined || !isNowhere || from.atAnyTime) return page
  const anew = { ...firstPage(from.begunAt, []), atAnyTime: true }
  return listFrom(reader, registrations, query, anew, maxBytes)
}

async function listFrom(
  reader: AuditReader,
  registrations: readonly LogRegistration[],
  query: AuditQuery,
  from: ListCursor,
  maxBytes: number,
): Promise<Page<AuditEntry>> {
  const filter = entryFilter(query, from.atAnyTime)
  if (filter === undefined) return { items: [] }
  const budget = readBudget(maxBytes)
  const waiting = logsToBegin(registrations, from, filter)
  const rows = rowEntries(reader.store, filter, from.beforeRow, budget)
  const logs = new Map<string, LogEntries>()
  const begin = (id: string, place: LogPlace | undefined): void => {
    // The id is a directory's name here, and a cursor comes from outside.
    if (/^[\w-]+$/.test(id)) logs.set(id, logEntries(path.join(reader.directory, id), filter, place, budget))
  }
  for (const [id, place] of from.logs) begin(id, place)
  let begunLogsFrom = from.begunLogsFrom

  const items: AuditEntry[] = []
  let isMore = false
  try {
    for (;;) {
      const sources = [rows, ...logs.values()]
      const next = await newest(sources)
      isMore = sources.some((source) => source.isCutShort())
      if (isMore) break
      const bound = waiting[0]?.bound
      if (bound !== undefined && (next === undefined || bound >= next.entry.at)) {
        while (waiting[0]?.bound === bound) begin(waiting.shift()?.id ?? '', undefined)
        begunLogsFrom = bound
        continue
      }
      if (next === undefined) break
      isMore = items.length === query.limit
      if (isMore) break
      items.push(next.entry)
      next.source.take()
    }
    if (!isMore) return { items }
    const places = new Map<string, LogPlace>()
    for (const [id, log] of logs) {
      const place = log.place()
      if (place !== undefined) places.set(id, place)
    }
    const hasFound = from.hasFound || items.length > 0
    const next = { ...from, beforeRow: rows.before(), begunLogsFrom, logs: places, hasFound }
    return { items, nextCursor: encodeListCursor(next) }
  } finally {
    for (const log of logs.values()) await log.close()
  }
}

function firstPage(now: number, registrations: readonly LogRegistration[]): ListCursor {
  // A log that was opened before the clock was set back is there too.
  const begunAt = Math.max(now, ...registrations.map(({ openedAt }) => openedAt))
  return { begunAt, beforeRow: endOfTime, begunLogsFrom: undefined, logs: new Map(), hasFound: false, atAnyTime: false }
}

interface WaitingLog {
  readonly id: string
  /** No entry is later. */
  readonly bound: number
}

/** The logs that were not begun on an earlier page, those first whose last entry may be the latest. */
function logsToBegin(
  registrations: readonly LogRegistration[],
  { begunAt, begunLogsFrom }: ListCursor,
  filter: EntryFilter,
): WaitingLog[] {
  return registrations
    .filter(({ openedAt, closedAt }) => {
      return openedAt <= Math.min(begunAt, filter.until) && (closedAt === undefined || closedAt >= filter.from)
    })
    .map(({ id, closedAt }) => ({ id, bound: closedAt === undefined || closedAt > begunAt ? endOfTime : closedAt }))
    .filter(({ bound }) => begunLogsFrom === undefined || bound < begunLogsFrom)
    .toSorted((a, b) => b.bound - a.bound)
}

/** The source whose next entry is the latest; the first of those that are equally late. */
async function newest(
  sources: readonly EntrySource[],
): Promise<{ readonly entry: AuditEntry; readonly source: EntrySource } | undefined> {
  let best: { readonly entry: AuditEntry; readonly source: EntrySource } | undefined
  for (const source of sources) {
    const entry = await source.peek()
    if (entry !== undefined && (best === undefined || entry.at > best.entry.at)) best = { entry, source }
  }
  return best
}

import type { EpochMs } from '@latchkey/protocol'
import { timeOfRequestId } from '../kernel/ids.ts'
import type { AuditRow } from './events.ts'
import type { AuditEntry, AuditQuery } from './query.ts'
import type { LogRecord } from './segment-format.ts'

/** A query made ready for many lines. */
export interface EntryFilter {
  /** Entries before this moment are not asked for. */
  readonly from: EpochMs
  /** Entries after this moment are not asked for. */
  readonly until: EpochMs
  /** Bytes that every line of a matching record holds: a cheap look before JSON is parsed. */
  readonly needles: readonly Buffer[]
  matches(entry: AuditEntry): boolean
}

const endOfTime = Number.MAX_SAFE_INTEGER as EpochMs
/** A request's id is made when it comes in, its record when it is answered; the clock may have been set a little in between. */
const beforeRequestMs = 5000
const afterRequestMs = 60_000
/** What opens and closes a log is listed only when it is asked for. */
const systemEvents: ReadonlySet<string> = new Set(['segment.opened', 'log.closed'])

/** `undefined` when nothing can match. */
export function entryFilter(query: AuditQuery): EntryFilter | undefined {
  const { clientId, requestId, event, since } = query
  let from = since ?? (0 as EpochMs)
  let until = endOfTime
  if (requestId !== undefined) {
    const time = timeOfRequestId(requestId)
    if (time === undefined) return undefined
    from = Math.max(from, time - beforeRequestMs) as EpochMs
    until = (time + afterRequestMs) as EpochMs
  }
  const needles = [clientId, requestId]
    .filter((text) => text !== undefined)
    .map((text) => Buffer.from(JSON.stringify(text).slice(1, -1)))
  return {
    from,
    until,
    needles,
    matches: (entry) =>
      entry.at >= from &&
      entry.at <= until &&
      (requestId === undefined || entry.requestId === requestId) &&
      (event === undefined ? !systemEvents.has(entry.event) : isEvent(entry.event, event)) &&
      (clientId === undefined || isAbout(entry, clientId)),
  }
}

export function rowEntry({ at, name, requestId, actor, subject, details }: AuditRow): AuditEntry {
  return { at, event: name, requestId, actor, subject, details }
}

/** The caller is both who acted and what it happened to. */
export function recordEntry({ at, event, requestId, clientId, address, details }: LogRecord): AuditEntry {
  return {
    at,
    event,
    requestId,
    actor: clientId,
    subject: clientId,
    details: address === '' ? details : { ...details, address },
  }
}

function isEvent(name: string, asked: string): boolean {
  return name === asked || name.startsWith(`${asked}.`)
}

function isAbout({ actor, subject, details }: AuditEntry, clientId: string): boolean {
  return [actor, subject, details['client_id'], details['client']].includes(clientId)
}

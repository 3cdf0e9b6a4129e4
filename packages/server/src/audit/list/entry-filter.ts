import type { EpochMs } from '@latchkey/protocol'
import { timeOfRequestId } from '../../kernel/ids.ts'
import type { AuditRow } from '../events.ts'
import type { AuditEntry, AuditQuery } from './query.ts'
import type { LogRecord } from '../log/segment-format.ts'

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

/**
 * `undefined` when nothing can match. A request id says when it was made, so only the records of that time are looked at; with `atAnyTime` all
 * are: where the clock was set back meanwhile, the record stands elsewhere.
 */
export function entryFilter(query: AuditQuery, atAnyTime = false): EntryFilter | undefined {
  const { clientId, requestId, event, since } = query
  let from = since ?? (0 as EpochMs)
  let until = endOfTime
  if (requestId !== undefined) {
    const time = timeOfRequestId(requestId)
    if (time === undefined) return undefined
    if (!atAnyTime) {
      from = Math.max(from, time - beforeRequestMs) as EpochMs
      until = (time + afterRequestMs) as EpochMs
    }
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

/** Refusals that come before the caller has proven who it is, or may: the client_id is then what anybody could have sent. */
const unprovenReasons = /^(?:authentication|request|unavailable)\./

/** The caller is both who acted and what it happened to, once it has proven who it is; before, its client_id is a claim among the details. */
export function recordEntry({ at, event, requestId, clientId, address, details }: LogRecord): AuditEntry {
  const { reason } = details
  const isProven = typeof reason !== 'string' || !unprovenReasons.test(reason)
  return {
    at,
    event,
    requestId,
    actor: isProven ? clientId : '',
    subject: isProven ? clientId : '',
    details: {
      ...details,
      ...(address === '' ? {} : { address }),
      ...(isProven || clientId === '' ? {} : { claimed_client_id: clientId }),
    },
  }
}

function isEvent(name: string, asked: string): boolean {
  return name === asked || name.startsWith(`${asked}.`)
}

function isAbout({ actor, subject, details }: AuditEntry, clientId: string): boolean {
  return [actor, subject, details['client_id'], details['client'], details['claimed_client_id']].includes(clientId)
}

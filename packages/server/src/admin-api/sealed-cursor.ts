import { timingSafeEqual } from 'node:crypto'
import { UnreadableCursor } from '../kernel/unreadable-cursor.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { canonicalJson } from './idempotency/canonical-json.ts'

/** The list that a cursor belongs to: another operation's, or one with other filters, does not take it. */
export interface List {
  /** `clients.list`. */
  readonly operation: string
  /** The query as it arrived; `limit` and `cursor` are not part of what is listed. */
  readonly query: Readonly<Record<string, unknown>>
}

/*
 * Form: <the store's cursor>.<MAC>, both base64url. The stores' own cursors are plain, so that they stay simple; what leaves the house
 * goes through here. A cursor does not expire: it names a place, and holds nothing that its reader was not shown.
 */

/** Makes a cursor that only this list will take back. */
export function sealCursor(dataKeys: DataKeys, list: List, place: string): string {
  const body = Buffer.from(place).toString('base64url')
  return `${body}.${mac(dataKeys, list, body).toString('base64url')}`
}

/** The store's cursor. Throws {@link UnreadableCursor} for one that this list did not give. */
export function openCursor(dataKeys: DataKeys, list: List, cursor: string): string {
  const [body = '', tag = '', ...rest] = cursor.split('.')
  const given = Buffer.from(tag, 'base64url')
  const expected = mac(dataKeys, list, body)
  // Base64 has spare bits at its end: the text itself must be the one that was given.
  const isOurs = given.length === expected.length && timingSafeEqual(given, expected)
  if (rest.length > 0 || !isOurs || given.toString('base64url') !== tag) throw new UnreadableCursor()
  return Buffer.from(body, 'base64url').toString()
}

function mac(dataKeys: DataKeys, { operation, query }: List, body: string): Buffer {
  const { limit: _limit, cursor: _cursor, ...filters } = query
  const id = dataKeys.current('audit-mac')
  return dataKeys.hmac('audit-mac', id, `latchkey list cursor\n${operation}\n${canonicalJson(filters)}\n`, body)
}

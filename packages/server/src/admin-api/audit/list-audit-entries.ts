import { toSeconds, type EpochMs } from '@latchkey/protocol'
import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { defaultPageSize } from '../page-size.ts'

/** `GET /audit/events`: administrative and token events together, newest first. */
export const listAuditEntries: Operation<'audit', 'list'> = async ({ services }, { query }) => {
  const page = await services.audit.list({
    limit: query?.limit ?? defaultPageSize,
    cursor: query?.cursor,
    clientId: query?.client_id,
    requestId: query?.request_id,
    event: query?.event,
    since: query?.since === undefined ? undefined : ((query.since * 1000) as EpochMs),
  })
  const items = page.items.map(({ at, event, requestId, actor, subject, details }) => ({
    at: toSeconds(at),
    event,
    request_id: requestId,
    actor,
    subject,
    details: { ...details },
  }))
  return done({ items, next_cursor: page.nextCursor })
}

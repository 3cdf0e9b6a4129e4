import type { ClientId } from '../../clients/client.ts'
import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { defaultPageSize } from '../page-size.ts'
import { linkRecord } from './link-record.ts'

/** `GET /links`: newest first. Never shows a link again: the key is not kept. */
export const listLinks: Operation<'links', 'list'> = async ({ services }, { query }) => {
  const now = services.clock.now()
  const page = await services.links.list({
    limit: query?.limit ?? defaultPageSize,
    cursor: query?.cursor,
    clientId: query?.client_id as ClientId | undefined,
    state: query?.state === undefined ? undefined : { is: query.state, at: now },
  })
  return done({ items: page.items.map((link) => linkRecord(link, now)), next_cursor: page.nextCursor })
}

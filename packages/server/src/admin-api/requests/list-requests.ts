import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { defaultPageSize } from '../page-size.ts'
import { requestRecord } from './request-record.ts'

/** `GET /requests`: the queue, oldest first. */
export const listRequests: Operation<'requests', 'list'> = async ({ services }, { query }) => {
  const page = await services.requests.reads.list({
    limit: query?.limit ?? defaultPageSize,
    cursor: query?.cursor,
    state: query?.state === undefined ? undefined : { is: query.state, at: services.clock.now() },
  })
  const items = await Promise.all(page.items.map((request) => requestRecord(services, request)))
  return done({ items, next_cursor: page.nextCursor })
}

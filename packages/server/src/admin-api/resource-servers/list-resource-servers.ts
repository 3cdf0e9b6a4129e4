import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { defaultPageSize } from '../page-size.ts'
import { resourceServerShape } from '../shapes.ts'

/** `GET /resource-servers`, by name. The cursor is the last name of the page before; there are few, so they are read whole. */
export const listResourceServers: Operation<'resourceServers', 'list'> = async ({ services }, { query }) => {
  const limit = query?.limit ?? defaultPageSize
  const after = query?.cursor
  const all = await services.resourceServers.all()
  const rest = after === undefined ? all : all.filter((server) => server.name > after)
  const items = rest.slice(0, limit)
  return done({
    items: items.map((server) => resourceServerShape(server)),
    next_cursor: rest.length > limit ? items.at(-1)?.name : undefined,
  })
}

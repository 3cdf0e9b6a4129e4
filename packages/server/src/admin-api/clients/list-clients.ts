import type { Scope } from '@latchkey/protocol'
import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { defaultPageSize } from '../page-size.ts'
import { clientShape } from '../shapes.ts'

/** `GET /clients`: partners' clients, oldest first. */
export const listClients: Operation<'clients', 'list'> = async ({ services }, { query }) => {
  const page = await services.clients.list({
    limit: query?.limit ?? defaultPageSize,
    cursor: query?.cursor,
    state: query?.state,
    scope: query?.scope as Scope | undefined,
  })
  const now = services.clock.now()
  return done({ items: page.items.map((client) => clientShape(client, now)), next_cursor: page.nextCursor })
}

import type { ClientId } from '../../clients/client.ts'
import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { defaultPageSize } from '../page-size.ts'
import { certificateRecord } from './certificate-record.ts'

/** `GET /certificates`: newest first, those of removed clients included. */
export const listCertificates: Operation<'certificates', 'list'> = async ({ services }, { query }) => {
  const now = services.clock.now()
  const page = await services.certificates.list({
    limit: query?.limit ?? defaultPageSize,
    cursor: query?.cursor,
    clientId: query?.client_id as ClientId | undefined,
    state: query?.state === undefined ? undefined : { is: query.state, at: now },
  })
  return done({ items: page.items.map((one) => certificateRecord(one, now)), next_cursor: page.nextCursor })
}

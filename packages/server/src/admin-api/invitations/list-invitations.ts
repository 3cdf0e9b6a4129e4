import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { defaultPageSize } from '../page-size.ts'
import { invitationRecord } from './invitation-record.ts'

/** `GET /invitations`: newest first, never their links. */
export const listInvitations: Operation<'invitations', 'list'> = async ({ services }, { query }) => {
  const { requests, clock } = services
  const page = await requests.reads.listInvitations({ limit: query?.limit ?? defaultPageSize, cursor: query?.cursor })
  const items = page.items.map((invitation) => invitationRecord(invitation, clock.now()))
  return done({ items, next_cursor: page.nextCursor })
}

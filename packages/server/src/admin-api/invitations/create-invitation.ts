import { invite } from '../../access-requests/invitations.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { deskOf } from '../requests/desk-of.ts'
import { invitationRecord } from './invitation-record.ts'

/** `POST /invitations`. */
export const createInvitation: Operation<'invitations', 'create'> = async (context, { body }) => {
  const at = changeContext(context)
  const invited = await invite(deskOf(context.services), at, {
    lifetimeSeconds: body?.expires_in,
    note: body?.note,
    maxUses: body?.max_uses,
  })
  if (!invited.ok) return invited
  const { invitation, link } = invited.value
  return done({ ...invitationRecord(invitation, at.now), invitation_link: link })
}

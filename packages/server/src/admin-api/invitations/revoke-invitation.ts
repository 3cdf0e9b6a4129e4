import * as invitations from '../../access-requests/invitations.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { deskOf } from '../requests/desk-of.ts'
import { invitationRecord } from './invitation-record.ts'

/** `POST /invitations/{id}/revoke`. Refuses with `invitation.unknown`. */
export const revokeInvitation: Operation<'invitations', 'revoke'> = async (context, { params }) => {
  const at = changeContext(context)
  const revoked = await invitations.revokeInvitation(deskOf(context.services), at, params.id)
  return revoked.ok ? done(invitationRecord(revoked.value, at.now)) : revoked
}

import type { InvitationRecord } from '@latchkey/admin-contract'
import { toSeconds, type EpochMs } from '@latchkey/protocol'
import type { Invitation } from '../../access-requests/request.ts'

/** An invitation as the contract spells it: without the key of its link. */
export function invitationRecord(invitation: Invitation, now: EpochMs): InvitationRecord {
  const { maxUses, uses, revokedAt, expiresAt } = invitation
  const state =
    revokedAt !== undefined ? 'revoked' : uses >= (maxUses ?? Infinity) ? 'used' : expiresAt <= now ? 'expired' : 'open'
  return {
    id: invitation.id,
    note: invitation.note,
    state,
    uses,
    max_uses: maxUses,
    created_at: toSeconds(invitation.createdAt),
    created_by: invitation.createdBy,
    expires_at: toSeconds(expiresAt),
  }
}

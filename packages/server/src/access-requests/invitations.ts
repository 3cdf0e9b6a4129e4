import { pagePaths, type EpochMs } from '@latchkey/protocol'
import type { ChangeContext } from '../audit/change.ts'
import { digestKey, makeKey } from '../delivery-links/link-key.ts'
import { randomLowercase } from '../kernel/ids.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import type { RequestDesk } from './desk.ts'
import type { Invitation } from './request.ts'

const usualLifetimeSeconds = 14 * 86_400
const idLength = 16

export interface NewInvitation {
  readonly lifetimeSeconds: number | undefined
  readonly note: string | undefined
  readonly maxUses: number | undefined
}

/** Makes an invitation, and answers its link, once. */
export function invite(
  { change, maker, issuer }: RequestDesk,
  context: ChangeContext,
  { lifetimeSeconds, note, maxUses }: NewInvitation,
): Promise<Result<{ readonly invitation: Invitation; readonly link: string }, ChangeRefusal>> {
  return change(context, async (tx) => {
    const key = makeKey(maker.random)
    const invitation: Invitation = {
      id: randomLowercase(maker.random, idLength),
      keyDigest: digestKey(key),
      note,
      createdAt: context.now,
      createdBy: context.actor,
      expiresAt: (context.now + (lifetimeSeconds ?? usualLifetimeSeconds) * 1000) as EpochMs,
      maxUses,
      uses: 0,
      revokedAt: undefined,
    }
    await tx.requests.insertInvitation(invitation)
    const details = { note, expires_at: invitation.expiresAt, max_uses: maxUses }
    return {
      ...done({ invitation, link: `${issuer}${pagePaths.accessRequests}#${key}` }),
      event: { name: 'invitation.created', subject: invitation.id, details },
    }
  })
}

/** Ends an invitation. Requests that came by it stay. Repeating it changes nothing. Refuses with `invitation.unknown`. */
export function revokeInvitation(
  { change }: RequestDesk,
  context: ChangeContext,
  id: string,
): Promise<Result<Invitation, ChangeRefusal>> {
  return change(context, async (tx) => {
    const invitation = await tx.requests.findInvitationById(id)
    if (invitation === undefined) return refuseChange('invitation.unknown', `there is no invitation ${id}`, 'id')
    const revoked = { ...invitation, revokedAt: invitation.revokedAt ?? context.now }
    await tx.requests.revokeInvitation(id, revoked.revokedAt)
    return { ...done(revoked), event: { name: 'invitation.revoked', subject: id, details: {} } }
  })
}

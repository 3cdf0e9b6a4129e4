import type { EpochMs } from '@latchkey/protocol'
import type { ChangeContext, ChangeOutcome } from '../audit/change.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import { makeStatusLink, nextRevision, requestWords, type RequestDesk, type RequestTransaction } from './desk.ts'
import { mayDo, requestState, waitsMs, type RequestAct } from './request-state.ts'
import type { AccessRequest, AccessRequestId } from './request.ts'

/** Which request a member of the team acts on, as he has seen it. */
export interface Reviewed {
  readonly id: AccessRequestId
  readonly revision: number
}

/** Asks the requester something, or to change what is asked for. Refuses as `findReviewed` says. */
export function askRequester(
  desk: RequestDesk,
  context: ChangeContext,
  reviewed: Reviewed,
  message: string,
): Promise<Result<AccessRequest, ChangeRefusal>> {
  return desk.change(context, async (tx) => {
    const found = await findReviewed(tx, context, reviewed, 'ask')
    if (!found.ok) return found
    const { now, actor } = context
    const after = nextRevision(found.value, {
      state: 'changes_requested',
      messages: [...found.value.messages, { at: now, from: 'team', actor, text: message }],
      expiresAt: (now + waitsMs) as EpochMs,
    })
    await tx.requests.update(after)
    const statusLink = await makeStatusLink(tx, desk, after.id, now)
    await desk.notifier.queue(
      tx,
      { kind: 'contact', address: after.form.contact_address },
      {
        kind: 'request.changes_requested',
        about: after.id,
        words: { ...requestWords(after), message },
        secret: { statusLink },
      },
      now,
    )
    return decided(after, 'request.changes_requested')
  })
}

/** Refuses access, with the reason that the requester is told. Refuses as `findReviewed` says. */
export function rejectRequest(
  desk: RequestDesk,
  context: ChangeContext,
  reviewed: Reviewed,
  reason: string,
): Promise<Result<AccessRequest, ChangeRefusal>> {
  return desk.change(context, async (tx) => {
    const found = await findReviewed(tx, context, reviewed, 'reject')
    if (!found.ok) return found
    const { now, actor } = context
    const decision = { at: now, actor, approved: [], reason, clientId: undefined, linkId: undefined }
    const after = nextRevision(found.value, { state: 'rejected', decision })
    await tx.requests.update(after)
    const statusLink = await makeStatusLink(tx, desk, after.id, now)
    await desk.notifier.queue(
      tx,
      { kind: 'contact', address: after.form.contact_address },
      { kind: 'request.rejected', about: after.id, words: { ...requestWords(after), reason }, secret: { statusLink } },
      now,
    )
    return decided(after, 'request.rejected')
  })
}

/**
 * The request as it is now, if it is what was reviewed and this can be done with it. Refuses with `request.unknown` (unconfirmed ones are not
 * shown to the team), `request.expired`, `request.decided`, `revision.stale`.
 */
export async function findReviewed(
  tx: RequestTransaction,
  { now }: ChangeContext,
  { id, revision }: Reviewed,
  act: RequestAct,
): Promise<Result<AccessRequest, ChangeRefusal>> {
  const request = await tx.requests.find(id)
  if (request?.submittedAt === undefined)
    return refuseChange('request.unknown', `there is no access request ${id}`, 'id')
  const state = requestState(request, now)
  if (state === 'expired') return refuseChange('request.expired', `${id} has expired: it waited for too long`, 'id')
  if (!mayDo(act, state)) return refuseChange('request.decided', `${id} is ${state.replace('_', ' ')} already`, 'id')
  if (request.revision !== revision) {
    const message = `it has revision ${request.revision} now, not ${revision}: look at it again`
    const { refusal } = refuseChange('revision.stale', message, 'revision')
    return { ok: false, refusal: { ...refusal, revision: request.revision } }
  }
  return done(request)
}

function decided(
  after: AccessRequest,
  name: 'request.changes_requested' | 'request.rejected',
): ChangeOutcome<AccessRequest, ChangeRefusal> {
  const details = { revision: after.revision, contact_address: after.form.contact_address }
  return { ...done(after), event: { name, subject: after.id, details } }
}

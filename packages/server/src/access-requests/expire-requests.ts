import type { ChangeContext } from '../audit/change.ts'
import { done, refused } from '../kernel/result.ts'
import { nextRevision, requestWords, type RequestDesk } from './desk.ts'
import { requestState } from './request-state.ts'

/** Ends what waited too long, and tells. What was never confirmed is forgotten: nothing of it was ever in force, and nobody is told. */
export async function expireRequests(
  { reads, change, notifier }: Pick<RequestDesk, 'reads' | 'change' | 'notifier'>,
  context: () => ChangeContext,
): Promise<void> {
  await reads.removeUnconfirmed(context().now)
  for (const { id } of await reads.overdue(context().now)) {
    const at = context()
    await change(at, async (tx) => {
      const before = await tx.requests.find(id)
      const isOverdue = before?.submittedAt !== undefined && requestState(before, at.now) === 'expired'
      // Another server was first, or somebody acted on it meanwhile.
      if (!isOverdue || before.state === 'expired') return refused(undefined)
      const after = nextRevision(before, { state: 'expired' })
      await tx.requests.update(after)
      const notice = { kind: 'request.expired', about: id, words: requestWords(after), secret: undefined } as const
      await notifier.queue(tx, { kind: 'contact', address: after.form.contact_address }, notice, at.now)
      await notifier.queue(tx, { kind: 'team' }, notice, at.now)
      return { ...done(undefined), event: { name: 'request.expired', subject: id, details: {} } }
    })
  }
}

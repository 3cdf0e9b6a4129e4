import type { EpochMs } from '@latchkey/protocol'
import type { Change, ChangeContext } from '../audit/change.ts'
import type { ClientReads } from '../clients/ports.ts'
import { done } from '../kernel/result.ts'
import type { Notifier } from '../notices/notifier.ts'
import type { LinkTransaction } from './transaction.ts'
import { credentialsOf, endCredentialsOf, isInUse } from './end-credentials.ts'
import { confirmMs, linkState } from './link-state.ts'
import type { DeliveryLink, LinkId } from './link.ts'
import type { LinkReads, PresenceBook } from './ports.ts'
import { refuseLink, type LinkRefusal } from './refusal.ts'
import { linkWords, tellBoth } from './tell.ts'

export interface Judge {
  readonly reads: LinkReads
  readonly clients: Pick<ClientReads, 'findCredential'>
  readonly presence: PresenceBook
  readonly change: Change<LinkTransaction>
  readonly notifier: Notifier
}

/** A process that was silent for this long serves nobody any more: twice what it may do without the database. */
const silentMs = 30 * 60_000

/**
 * Settles the claims that nobody acknowledged: one whose credential was used is delivered; one that is older than fifteen minutes and was not
 * used is revoked. That nobody used it is known only when every process that serves has reported up to then: one that is cut off from the
 * database goes on issuing tokens for a while, and may have seen the use. Several servers may judge at once: each claim is settled once.
 */
export async function judgeUnconfirmed(judge: Judge, context: () => ChangeContext): Promise<void> {
  const { now } = context()
  const unconfirmed = await judge.reads.unconfirmed()
  if (unconfirmed.length === 0) return
  // Read before the credentials are: what they show is at least as new.
  const known = reportedUntil(await judge.presence.present((now - silentMs) as EpochMs), now)
  for (const link of unconfirmed) {
    const { id, claimedAt } = link
    if (claimedAt === undefined || credentialsOf(link).length === 0) continue
    const isUsed = await isInUse(judge.clients, link)
    const isOverdue = now >= claimedAt + confirmMs && known >= claimedAt + confirmMs
    if (isUsed || isOverdue) await settle(judge, context(), id)
  }
}

function reportedUntil(present: readonly { readonly usesReportedUntil: EpochMs }[], now: EpochMs): number {
  return Math.min(now, ...present.map((one) => one.usesReportedUntil))
}

async function settle({ change, notifier }: Judge, context: ChangeContext, id: LinkId): Promise<void> {
  await change<undefined, LinkRefusal>(context, async (tx) => {
    const link = await tx.links.find(id)
    // Somebody acknowledged it, or another server was first.
    if (link === undefined || linkState(link, context.now) !== 'claimed') return refuseLink('link.unknown')
    const details = { client_id: link.clientId, secret: link.credentialId, certificate: link.certificateSerial }
    if (await isInUse(tx.clients, link)) {
      await tx.links.update({ ...link, confirmedAt: context.now })
      return {
        ...done(undefined),
        event: { name: 'link.confirmed', subject: id, details: { ...details, by: 'use' } },
      }
    }
    const parts = await endCredentialsOf(tx, context, link, 'cessationOfOperation')
    const ended: DeliveryLink = { ...link, endedAt: context.now, ending: 'undelivered' }
    await tx.links.update(ended)
    const notice = { kind: 'link.undelivered', about: id, words: linkWords(link), secret: undefined } as const
    await tellBoth(notifier, tx, link, notice, context.now)
    return { ...done(undefined), parts, event: { name: 'link.undelivered', subject: id, details } }
  })
}

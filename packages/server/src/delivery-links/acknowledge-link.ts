import type { ChangeContext } from '../audit/change.ts'
import { done, type Result } from '../kernel/result.ts'
import { proveLink, type LinkDesk } from './claim-link.ts'
import { isKeyOf } from './link-key.ts'
import { linkState } from './link-state.ts'
import type { DeliveryLink, LinkId } from './link.ts'
import { refuseLink, whyNotOpen, type LinkRefusal } from './refusal.ts'

/**
 * Notes that the credential arrived. Only who was shown it has the receipt. Repeating it changes nothing. Refuses with `link.unknown`,
 * `link.not_claimed`, `link.receipt_wrong`, or with what ended the link.
 */
export async function acknowledgeLink(
  { reads, change }: Pick<LinkDesk, 'reads' | 'change'>,
  context: ChangeContext,
  id: LinkId,
  key: string,
  receipt: string,
): Promise<Result<DeliveryLink, LinkRefusal>> {
  const proven = await proveLink(reads, id, key)
  if (!proven.ok) return proven
  const judged = judge(proven.value, receipt, context)
  if (judged !== undefined) return refuseLink(judged)
  if (proven.value.confirmedAt !== undefined) return proven
  return change<DeliveryLink, LinkRefusal>(context, async (tx) => {
    const link = await tx.links.find(id)
    if (link === undefined) return refuseLink('link.unknown')
    const refusal = judge(link, receipt, context)
    if (refusal !== undefined) return refuseLink(refusal)
    const confirmed = { ...link, confirmedAt: link.confirmedAt ?? context.now }
    await tx.links.update(confirmed)
    const details = { client_id: link.clientId, by: 'receipt' }
    return { ...done(confirmed), event: { name: 'link.confirmed', subject: id, details } }
  })
}

function judge(link: DeliveryLink, receipt: string, { now }: ChangeContext): LinkRefusal | undefined {
  if (link.claimedAt === undefined) return whyNotOpen(link, now) ?? 'link.not_claimed'
  if (!isKeyOf(receipt, link.receiptDigest)) return 'link.receipt_wrong'
  const state = linkState(link, now)
  return state === 'claimed' || state === 'delivered' ? undefined : whyNotOpen(link, now)
}

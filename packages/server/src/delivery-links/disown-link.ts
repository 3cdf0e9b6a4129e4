import type { ChangeContext } from '../audit/change.ts'
import { done, type Result } from '../kernel/result.ts'
import { proveLink, type LinkDesk } from './claim-link.ts'
import { endCredentialsOf } from './end-credentials.ts'
import { disownMs } from './link-state.ts'
import type { DeliveryLink, LinkId } from './link.ts'
import { refuseLink, whyNotOpen, type LinkRefusal } from './refusal.ts'
import { linkWords, tellBoth } from './tell.ts'

export interface DisownedLink {
  readonly link: DeliveryLink
  /** Whether the credential is revoked, now or before. */
  readonly revoked: boolean
}

/**
 * "That was not me": for seven days after the claim it revokes the credential, and all that were rotated or renewed from it, at once; later it tells the
 * team and revokes nothing. Repeating it changes nothing. Refuses with `link.unknown`, `link.not_claimed`, or what ended an unclaimed link.
 */
export async function disownLink(
  { reads, change, notifier }: Pick<LinkDesk, 'reads' | 'change' | 'notifier'>,
  context: ChangeContext,
  id: LinkId,
  key: string,
  address: string,
): Promise<Result<DisownedLink, LinkRefusal>> {
  const proven = await proveLink(reads, id, key)
  if (!proven.ok) return proven
  if (proven.value.claimedAt === undefined)
    return refuseLink(whyNotOpen(proven.value, context.now) ?? 'link.not_claimed')
  if (proven.value.disownedAt !== undefined) return done(answer(proven.value))
  return change<DisownedLink, LinkRefusal>(context, async (tx) => {
    const link = await tx.links.find(id)
    if (link?.claimedAt === undefined) return refuseLink('link.unknown')
    const { claimedAt, clientId, credentialId, certificateSerial } = link
    const inTime = context.now <= claimedAt + disownMs
    const isFirst = link.disownedAt === undefined
    const parts = inTime && isFirst ? await endCredentialsOf(tx, context, link, 'keyCompromise') : []
    const disowned: DeliveryLink = !isFirst
      ? link
      : inTime
        ? { ...link, disownedAt: context.now, endedAt: link.endedAt ?? context.now, ending: link.ending ?? 'disowned' }
        : { ...link, disownedAt: context.now }
    await tx.links.update(disowned)
    const { revoked } = answer(disowned)
    if (isFirst) {
      const words = { ...linkWords(link), claimedAt, revoked }
      await tellBoth(notifier, tx, link, { kind: 'link.disowned', about: id, words, secret: undefined }, context.now)
    }
    return {
      ...done(answer(disowned)),
      parts,
      event: {
        name: 'link.disowned',
        subject: id,
        details: { client_id: clientId, secret: credentialId, certificate: certificateSerial, revoked, address },
      },
    }
  })
}

/** Every ending of a claimed link revoked its credential. */
function answer(link: DeliveryLink): DisownedLink {
  return { link, revoked: link.ending !== undefined }
}

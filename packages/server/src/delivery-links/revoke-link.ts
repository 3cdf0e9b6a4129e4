import type { Change, ChangeContext } from '../audit/change.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import type { LinkTransaction } from './transaction.ts'
import { endCredentialsOf } from './end-credentials.ts'
import { linkState } from './link-state.ts'
import type { DeliveryLink, LinkId } from './link.ts'

/**
 * Ends a link, and revokes its credential when that was shown and is unconfirmed. A link that has ended stays as it is. Refuses with
 * `link.unknown`, and with `link.delivered` once the credential arrived: then that is what has to be revoked.
 */
export function revokeLink(
  change: Change<LinkTransaction>,
  context: ChangeContext,
  id: LinkId,
): Promise<Result<DeliveryLink, ChangeRefusal>> {
  return change(context, async (tx) => {
    const link = await tx.links.find(id)
    if (link === undefined) return refuseChange('link.unknown', `there is no delivery link ${id}`, 'id')
    const state = linkState(link, context.now)
    if (state === 'delivered') {
      const message = `${id} delivered ${inWords(link)} of ${link.clientId}: revoke that`
      return refuseChange('link.delivered', message, 'id')
    }
    const isLive = state === 'open' || state === 'claimed'
    const parts = isLive ? await endCredentialsOf(tx, context, link, 'cessationOfOperation') : []
    const ended: DeliveryLink = isLive ? { ...link, endedAt: context.now, ending: 'revoked' } : link
    if (isLive) await tx.links.update(ended)
    const details = { client_id: link.clientId, was: state }
    return { ...done(ended), parts, event: { name: 'link.revoked', subject: id, details } }
  })
}

function inWords({ credentialId, certificateSerial, keyCredentialId }: DeliveryLink): string {
  const secret = credentialId === undefined ? [] : [`the secret ${credentialId}`]
  if (certificateSerial !== undefined) return [...secret, `the certificate ${certificateSerial}`].join(' and ')
  return keyCredentialId === undefined ? secret.join('') : `the use of the key ${keyCredentialId}`
}

import type { ChangeContext } from '../audit/change.ts'
import type { AdminEvent } from '../audit/events.ts'
import type { RevocationReason } from '../certificate-authority/certificate.ts'
import { revokeLineWithin } from '../certificate-authority/revoke-certificate.ts'
import type { ClientReads } from '../clients/ports.ts'
import type { CredentialId } from '../clients/credential.ts'
import { revokeSecretWithin } from '../clients/manage-secrets.ts'
import { revokeRegisteredKeyWithin } from '../clients/register-key.ts'
import type { LinkTransaction } from './transaction.ts'
import type { DeliveryLink } from './link.ts'

/** What a link delivered; none before its claim. */
export function credentialsOf({ credentialId, keyCredentialId }: DeliveryLink): readonly CredentialId[] {
  return [credentialId, keyCredentialId].filter((id) => id !== undefined)
}

/** Whether somebody has used any of it: so it arrived. */
export async function isInUse(clients: Pick<ClientReads, 'findCredential'>, link: DeliveryLink): Promise<boolean> {
  const credentials = await Promise.all(credentialsOf(link).map((id) => clients.findCredential(id)))
  return credentials.some((credential) => credential?.lastUsedAt !== undefined)
}

/**
 * Revokes what a link delivered, and everything that was rotated or renewed from it; nothing when there is nothing. `reason` is for the list of revoked
 * certificates. Answers the audit events of it.
 */
export async function endCredentialsOf(
  tx: LinkTransaction,
  context: ChangeContext,
  { credentialId, keyCredentialId }: DeliveryLink,
  reason: RevocationReason,
): Promise<readonly AdminEvent[]> {
  const events: AdminEvent[] = []
  if (credentialId !== undefined) {
    const revoked = await revokeSecretWithin(tx, context, credentialId, { compromised: true })
    if (revoked.ok) events.push(revoked.event)
  }
  if (keyCredentialId === undefined) return events
  const certificate = await tx.certificates.findByCredential(keyCredentialId)
  if (certificate !== undefined) {
    events.push(...(await revokeLineWithin(tx, certificate, reason, context.now)))
    return events
  }
  const unregistered = await revokeRegisteredKeyWithin(tx, context, keyCredentialId)
  if (unregistered.ok) events.push(unregistered.event)
  return events
}

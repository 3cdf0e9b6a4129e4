import type { ChangeContext } from '../audit/change.ts'
import type { AdminEvent } from '../audit/events.ts'
import type { EndAccessTransaction } from '../clients/end-access.ts'
import { revokeSecretWithin } from '../clients/manage-secrets.ts'
import type { DeliveryLink } from './link.ts'

/** Revokes what a link delivered, and everything that was rotated from it; nothing when there is nothing. Answers the audit event of it. */
export async function endCredentialOf(
  tx: EndAccessTransaction,
  context: ChangeContext,
  { credentialId }: DeliveryLink,
): Promise<readonly AdminEvent[]> {
  if (credentialId === undefined) return []
  const revoked = await revokeSecretWithin(tx, context, credentialId, { compromised: true })
  return revoked.ok ? [revoked.event] : []
}

import type { EpochMs } from '@latchkey/protocol'
import type { Change, ChangeContext } from '../audit/change.ts'
import type { AdminEvent } from '../audit/events.ts'
import { endTokensOf } from '../clients/end-access.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import type { IssuedCertificate, RevocationReason, Serial } from './certificate.ts'
import type { CertificateTransaction } from './issue-certificate.ts'
import { renewalsOf } from './renewals.ts'

/**
 * Revokes a certificate: it is in the next revocation list, and its tokens end. Whoever had its key may have renewed it: with `keyCompromise` every certificate
 * that goes back to it is revoked as well. Repeating it changes nothing further. Refuses with `certificate.unknown`.
 */
export function revokeCertificate(
  change: Change<CertificateTransaction>,
  context: ChangeContext,
  serial: Serial,
  reason: RevocationReason,
): Promise<Result<IssuedCertificate, ChangeRefusal>> {
  return change(context, async (tx) => {
    const before = await tx.certificates.find(serial)
    if (before === undefined) return refuseChange('certificate.unknown', `there is no certificate ${serial}`, 'serial')
    const revoked = await revokeWithin(tx, before, reason, context.now)
    const line = reason === 'keyCompromise' ? await renewalsOf(tx, before) : []
    for (const renewal of line) await revokeWithin(tx, renewal, reason, context.now)
    const details = {
      client_id: before.clientId,
      reason: revoked.revocationReason,
      ...(line.length === 0 ? {} : { renewals: line.map((renewal) => renewal.serial) }),
    }
    return { ...done(revoked), event: { name: 'certificate.revoked', subject: serial, details } }
  })
}

/** Revokes it, with every certificate that goes back to it, as a part of a larger change. Answers the audit event of it; nothing when it is revoked already. */
export async function revokeLineWithin(
  tx: CertificateTransaction,
  certificate: IssuedCertificate,
  reason: RevocationReason,
  now: EpochMs,
): Promise<readonly AdminEvent[]> {
  const line = [certificate, ...(await renewalsOf(tx, certificate))].filter(({ revokedAt }) => revokedAt === undefined)
  for (const one of line) await revokeWithin(tx, one, reason, now)
  return line.map(({ serial, clientId }) => ({
    name: 'certificate.revoked',
    subject: serial,
    details: { client_id: clientId, reason },
  }))
}

/** Revokes it as a part of a larger change; one that is revoked stays as it is. */
export async function revokeWithin(
  tx: CertificateTransaction,
  certificate: IssuedCertificate,
  reason: RevocationReason,
  now: EpochMs,
): Promise<IssuedCertificate> {
  if (certificate.revokedAt !== undefined) return certificate
  const revoked: IssuedCertificate = { ...certificate, revokedAt: now, revocationReason: reason }
  await tx.certificates.update(revoked)
  const credential = await tx.clients.findCredential(certificate.credentialId)
  if (credential !== undefined) {
    const raised = await endTokensOf(tx, credential, now)
    await tx.clients.updateCredential({ ...raised, revokedAt: now })
  }
  return revoked
}

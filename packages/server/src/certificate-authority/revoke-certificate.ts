import type { Change, ChangeContext } from '../audit/change.ts'
import { endTokensOf } from '../clients/end-access.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import type { IssuedCertificate, RevocationReason, Serial } from './certificate.ts'
import type { CertificateTransaction } from './issue-certificate.ts'

/** Revokes a certificate: it is in the next revocation list, and its tokens end. Repeating it changes nothing further. Refuses with `certificate.unknown`. */
export function revokeCertificate(
  change: Change<CertificateTransaction>,
  context: ChangeContext,
  serial: Serial,
  reason: RevocationReason,
): Promise<Result<IssuedCertificate, ChangeRefusal>> {
  return change(context, async (tx) => {
    const before = await tx.certificates.find(serial)
    if (before === undefined) return refuseChange('certificate.unknown', `there is no certificate ${serial}`, 'serial')
    const isNew = before.revokedAt === undefined
    const revoked: IssuedCertificate = isNew ? { ...before, revokedAt: context.now, revocationReason: reason } : before
    if (isNew) {
      await tx.certificates.update(revoked)
      const credential = await tx.clients.findCredential(before.credentialId)
      if (credential !== undefined) {
        const raised = await endTokensOf(tx, credential, context.now)
        await tx.clients.updateCredential({ ...raised, revokedAt: context.now })
      }
    }
    const details = { client_id: before.clientId, reason: revoked.revocationReason }
    return { ...done(revoked), event: { name: 'certificate.revoked', subject: serial, details } }
  })
}

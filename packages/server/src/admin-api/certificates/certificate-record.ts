import type { CertificateRecord, IssuedRecord } from '@latchkey/admin-contract'
import { toSeconds, type EpochMs } from '@latchkey/protocol'
import { certificateState, type IssuedCertificate } from '../../certificate-authority/certificate.ts'
import type { Issued } from '../../certificate-authority/issue-certificate.ts'
import { optionalSeconds } from '../shapes.ts'

/** A new certificate as it is handed out. */
export function issuedRecord({ certificate, chain, ignored }: Issued): IssuedRecord {
  return {
    serial: certificate.serial,
    certificate: certificate.certificate,
    chain,
    not_after: toSeconds(certificate.notAfter),
    ignored: [...ignored],
  }
}

/** A certificate as the contract spells it. */
export function certificateRecord(certificate: IssuedCertificate, now: EpochMs): CertificateRecord {
  return {
    serial: certificate.serial,
    client_id: certificate.clientId,
    state: certificateState(certificate, now),
    certificate: certificate.certificate,
    thumbprint: certificate.thumbprint,
    subject_uri: certificate.subjectUri,
    // A certificate of a clock that stands at 1970 begins before it.
    not_before: Math.max(0, toSeconds(certificate.notBefore)),
    not_after: toSeconds(certificate.notAfter),
    created_at: toSeconds(certificate.createdAt),
    created_by: certificate.createdBy,
    revoked_at: optionalSeconds(certificate.revokedAt),
    revocation_reason: certificate.revocationReason,
  }
}

import type { Brand, EpochMs } from '@latchkey/protocol'
import type { ClientId } from '../clients/client.ts'
import type { CredentialId } from '../clients/credential.ts'

/** 128 random bits, 32 hexadecimal digits in lower case. Names a certificate in lists, in the audit log and in the revocation list. */
export type Serial = Brand<string, 'Serial'>

/** Why a certificate was revoked (RFC 5280 §5.3.1), as far as we say. */
export const revocationReasons = ['unspecified', 'keyCompromise', 'superseded', 'cessationOfOperation'] as const
export type RevocationReason = (typeof revocationReasons)[number]

/** A certificate that the authority issued. */
export interface IssuedCertificate {
  readonly serial: Serial
  readonly clientId: ClientId
  /** The credential that it is: its generation ends tokens. */
  readonly credentialId: CredentialId
  readonly authorityId: string
  /** PEM. */
  readonly certificate: string
  /** SHA-256 of the certificate, base64url: `x5t#S256` (RFC 8705 §3.1). */
  readonly thumbprint: string
  /** `<issuer>/clients/<client_id>`: copied from the client's earlier certificates, compared by octets. */
  readonly subjectUri: string
  readonly notBefore: EpochMs
  readonly notAfter: EpochMs
  readonly createdAt: EpochMs
  readonly createdBy: string
  readonly revokedAt: EpochMs | undefined
  readonly revocationReason: RevocationReason | undefined
}

export type CertificateState = 'valid' | 'expired' | 'revoked'

export function certificateState({ revokedAt, notAfter }: IssuedCertificate, now: EpochMs): CertificateState {
  if (revokedAt !== undefined) return 'revoked'
  return notAfter <= now ? 'expired' : 'valid'
}

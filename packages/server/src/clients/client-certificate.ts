import type { EpochMs } from '@latchkey/protocol'
import type { CredentialId } from './credential.ts'

/** What a certificate of a client is recognised by, beside the credential that it is. */
export type ClientCertificate = IssuedToClient | RegisteredKey | RegisteredSubject

/** One that the authority issued: exactly this certificate. */
export interface IssuedToClient {
  readonly kind: 'issued'
  readonly credentialId: CredentialId
  /** `x5t#S256` (RFC 8705 §3.1). */
  readonly thumbprint: string
  readonly notBefore: EpochMs
}

/** Any certificate with this key (RFC 8705 §2.2). */
export interface RegisteredKey {
  readonly kind: 'key'
  readonly credentialId: CredentialId
  /** SubjectPublicKeyInfo, DER, base64url. */
  readonly publicKey: string
}

/** Which name of a certificate counts (RFC 8705 §2.1.2: `tls_client_auth_…`). */
export const subjectKinds = ['subject_dn', 'san_dns', 'san_uri', 'san_ip', 'san_email'] as const
export type SubjectKind = (typeof subjectKinds)[number]

/** Any certificate with this name under this anchor (RFC 8705 §2.1). */
export interface RegisteredSubject {
  readonly kind: 'subject'
  readonly credentialId: CredentialId
  readonly subjectKind: SubjectKind
  /** As it was registered. */
  readonly subject: string
  /** PEM: the certificate that is trusted, and after it what stands below it. */
  readonly anchor: string
}

import type { EpochMs } from '@latchkey/protocol'
import type { CredentialId } from './credential.ts'

/** What a certificate of a client is recognised by, beside the credential that it is. */
export type ClientCertificate = IssuedToClient | RegisteredKey

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

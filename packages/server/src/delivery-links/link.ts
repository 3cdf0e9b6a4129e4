import type { Brand, EpochMs } from '@latchkey/protocol'
import type { ClientId } from '../clients/client.ts'
import type { CredentialId } from '../clients/credential.ts'
import type { Serial } from '../certificate-authority/certificate.ts'

/** Server-made, `[a-z0-9]{24}`: names a link in its path, in lists and in the audit log. Not a secret. */
export type LinkId = Brand<string, 'LinkId'>

/** Why a link ended before anybody's credential was confirmed, or after. */
export type LinkEnding = 'revoked' | 'superseded' | 'locked' | 'undelivered' | 'disowned' | 'restored'

/** A delivery link as it is kept: there is no credential before the claim, and never the key. */
export interface DeliveryLink {
  readonly id: LinkId
  readonly clientId: ClientId
  /** As it was when the link was made: the messages about it name it. */
  readonly clientName: string
  /** SHA-256 of the key, base64url. */
  readonly keyDigest: string
  /** Keyed digest of the one-time code; undefined: none is needed. */
  readonly codeDigest: string | undefined
  readonly codeDigestKeyId: string | undefined
  readonly wrongCodes: number
  /** Who is told of the claim. */
  readonly contactAddress: string | undefined
  /** The access request whose approval made it. */
  readonly requestId: string | undefined
  /** Life of the secret, counted from the claim, in seconds; undefined: it has no end. */
  readonly secretLifetimeSeconds: number | undefined
  readonly secretName: string
  readonly createdAt: EpochMs
  readonly createdBy: string
  readonly expiresAt: EpochMs
  /** The signing request that came with the request for access, checked: the certificate is for its key. */
  readonly csr: string | undefined
  /** The client's own certificate that came with it, checked. */
  readonly ownCertificate: string | undefined
  readonly claimedAt: EpochMs | undefined
  /** The secret that the claim made. */
  readonly credentialId: CredentialId | undefined
  /** The certificate that it made, or the key that it registered. */
  readonly keyCredentialId: CredentialId | undefined
  readonly certificateSerial: Serial | undefined
  /** SHA-256 of what proves that one was shown the credential, base64url. */
  readonly receiptDigest: string | undefined
  /** Acknowledged, or seen in use. */
  readonly confirmedAt: EpochMs | undefined
  readonly endedAt: EpochMs | undefined
  readonly ending: LinkEnding | undefined
  /** The first "That was not me", also one that came too late to revoke. */
  readonly disownedAt: EpochMs | undefined
}

/** A link that was just made: the only moment at which its key is known here. */
export interface NewLink {
  readonly link: DeliveryLink
  /** 256 random bits, base64url. */
  readonly key: string
  /** The one-time code, where one was asked for: for another channel than the link's. */
  readonly code: string | undefined
}

export interface LinkRequest {
  readonly clientId: ClientId
  readonly contactAddress: string | undefined
  readonly requestId: string | undefined
  /** 60 seconds to 7 days; 24 hours by default. */
  readonly lifetimeSeconds: number | undefined
  readonly secretLifetimeSeconds: number | undefined
  readonly secretName: string | undefined
  readonly withCode: boolean
  readonly csr?: string | undefined
  readonly ownCertificate?: string | undefined
}

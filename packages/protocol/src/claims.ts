import type { EpochSeconds } from './brand.ts'
import type { NetworkClaim, networkClaim } from './network-claim.ts'

/** `typ` of an access token's header (RFC 9068 §2.1); `application/at+jwt` is its long form. */
export const accessTokenType = 'at+jwt'

/** Signature algorithms that Latchkey can sign with, by their registered names (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9964 §5.1). */
export const signingAlgorithms = ['ES256', 'RS256', 'PS256', 'EdDSA', 'ML-DSA-65'] as const
export type SigningAlgorithm = (typeof signingAlgorithms)[number]

/**
 * The generations of the credentials that took part in a grant: credential reference → generation.
 * A reference is random and of its own: neither the client_id nor the id inside a secret, so that the public revocation feed
 * tells a stranger nothing. A verifier refuses the token once the minimum that is published for one of them is higher.
 */
export type CredentialGenerations = Readonly<Record<string, number>>

/** Name of the private claim (RFC 7519 §4.3) that carries {@link CredentialGenerations}. */
export const credentialsClaim = 'lk_credentials'

/** What a token is bound to (RFC 7800 §3.1): the certificate without which it is worth nothing. */
export interface Confirmation {
  /** SHA-256 of the certificate's DER, base64url (RFC 8705 §3.1). */
  readonly 'x5t#S256': string
}

/** The claims of an access token (RFC 9068 §2.2). */
export interface AccessTokenClaims {
  readonly iss: string
  /** Equal to `client_id`: there is no resource owner (RFC 9068 §2.2). */
  readonly sub: string
  readonly client_id: string
  /** The audiences of the granted scopes' resource servers: a string when there is one (RFC 7519 §4.1.3). */
  readonly aud: string | readonly string[]
  readonly iat: EpochSeconds
  readonly exp: EpochSeconds
  readonly jti: string
  /** Space-delimited, each `<resource server>/<scope>` (RFC 9068 §2.2.3). */
  readonly scope: string
  readonly [credentialsClaim]: CredentialGenerations
  /** Absent in tokens of servers that knew no network policies; they say nothing. */
  readonly [networkClaim]?: NetworkClaim
  /** Only in a token that is bound. */
  readonly cnf?: Confirmation
}

/** Longest life of an access token, in seconds: what a revocation entry must outlive. */
export const maxTokenLifetimeSeconds: number = 86_400

/** Life of an access token where neither client nor resource server says otherwise, in seconds. */
export const defaultTokenLifetimeSeconds: number = 3600

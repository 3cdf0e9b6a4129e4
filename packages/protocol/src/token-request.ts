/** The only grant type there is (RFC 6749 §4.4). */
export const clientCredentialsGrant = 'client_credentials'

/** A successful answer of the token endpoint (RFC 6749 §5.1): no refresh token (§4.4.3), no id token. */
export interface TokenResponse {
  readonly access_token: string
  /** Seconds from when the answer was made. */
  readonly expires_in: number
  readonly token_type: 'Bearer'
  readonly scope: string
}

/** Media type of every request body at the OAuth endpoints (RFC 6749 appendix B). */
export const formMediaType = 'application/x-www-form-urlencoded'

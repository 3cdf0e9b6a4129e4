/** Error codes of the token endpoint (RFC 6749 §5.2, RFC 8707 §2); `temporarily_unavailable` is borrowed from RFC 6749 §4.1.2.1 for 429 and 503. */
export type TokenErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'temporarily_unavailable'

/** The body of an error answer (RFC 6749 §5.2). */
export interface TokenErrorBody {
  readonly error: TokenErrorCode
  /** For the developer who reads it; never names what a stranger must not learn. */
  readonly error_description?: string
}

/** Error codes of a protected resource (RFC 6750 §3.1). */
export type BearerErrorCode = 'invalid_request' | 'invalid_token' | 'insufficient_scope'

import type { BearerErrorCode } from '@latchkey/protocol'

/** Why a request was refused: precise, for the API's own log. {@link refusalTable} says what of it a caller learns. */
export type RefusalReason =
  | 'token.missing'
  | 'request.unsupported_scheme'
  | 'request.malformed_authorization'
  | 'request.duplicate_authorization'
  | 'token.too_large'
  | 'token.malformed'
  | 'token.type'
  | 'token.algorithm'
  | 'token.critical_header'
  | 'token.unknown_key'
  | 'token.signature'
  | 'token.claims'
  | 'token.issuer'
  | 'token.audience'
  | 'token.expired'
  | 'token.not_yet_valid'
  | 'token.lifetime'
  | 'token.bound'
  | 'certificate.missing'
  | 'certificate.mismatch'
  | 'token.revoked'
  | 'certificate.required'
  | 'network.address_not_allowed'
  | 'network.address_unknown'
  | 'network.not_stated'
  | 'network.audience_not_named'
  | 'network.policy_unknown'
  | 'network.policy_unavailable'
  | 'network.no_credential'
  | 'scope.insufficient'
  | 'rules.unavailable'
  | 'route.no_rule'
  | 'request.ambiguous_path'
  | 'keys.unavailable'
  | 'revocations.unavailable'
  | 'revocations.stale'
  | 'route.unknown'
  | 'route.undeclared'
  | 'gate.not_the_proxy'
  | 'guard.fault'

/** One refusal, as a value. */
export interface Refusal {
  readonly reason: RefusalReason
  /** For the log only; see `GuardEvent`. */
  readonly detail?: string
  /** All of these are needed here. */
  readonly requiredScopes: readonly string[]
  /** Seconds after which trying again may help. */
  readonly retryAfterSeconds?: number
  /** Only once the signature was verified. */
  readonly clientId?: string
  /** The caller's address as it was seen, where that is what was wrong: only a caller whose token was verified is told. */
  readonly address?: string
}

/** What a caller learns of a refusal. */
export interface PublicRefusal {
  readonly status: 400 | 401 | 403 | 404 | 500 | 503
  /** `error` of the challenge (RFC 6750 §3.1). */
  readonly error?: BearerErrorCode
  /** `code` of the problem document, for programs. */
  readonly code: string
  /** For the developer of the calling program. */
  readonly description: string
}

/** Every reason, and the answer it gets (RFC 6750 §3, §3.1). A status of 401 always carries a challenge, and one of 403 where a token can remedy it. */
export const refusalTable: Readonly<Record<RefusalReason, PublicRefusal>> = {
  // §3: no error code where the request has no (usable) authentication information at all.
  'token.missing': {
    status: 401,
    code: 'missing_token',
    description: 'Send an access token: Authorization: Bearer <token>.',
  },
  'request.unsupported_scheme': {
    status: 401,
    code: 'missing_token',
    description: 'Only the Bearer scheme is taken: Authorization: Bearer <token>.',
  },
  'request.malformed_authorization': invalidRequest('The Authorization header is not of the form Bearer <token>.'),
  'request.duplicate_authorization': invalidRequest('The request has more than one Authorization header.'),
  'token.too_large': invalidToken('The access token is too large.'),
  'token.malformed': invalidToken('The access token is not a JSON Web Token.'),
  'token.type': invalidToken('This is not an access token (its type is not at+jwt).'),
  'token.algorithm': invalidToken('The access token is not signed with an algorithm that is accepted here.'),
  'token.critical_header': invalidToken('The access token has a critical header that is not understood here.'),
  'token.unknown_key': invalidToken('The access token is not signed with a key of the issuer.'),
  'token.signature': invalidToken('The signature of the access token is wrong.'),
  'token.claims': invalidToken('A claim of the access token is missing, malformed or not understood here.'),
  'token.issuer': invalidToken('The access token comes from another issuer.'),
  'token.audience': invalidToken('The access token is not meant for this API.'),
  'token.expired': invalidToken('The access token has expired.'),
  'token.not_yet_valid': invalidToken('The access token is not valid yet.'),
  'token.lifetime': invalidToken('The access token lives longer than is accepted here.'),
  'token.bound': invalidToken('The access token is bound to a key or certificate, which cannot be checked here.'),
  // RFC 8705 §3: of a token that is bound, what else is wrong.
  'certificate.missing': invalidToken(
    'The access token is bound to a certificate: call over mutual TLS with the certificate that got it.',
  ),
  'certificate.mismatch': invalidToken(
    'The access token is bound to another certificate than that of this connection.',
  ),
  'token.revoked': invalidToken('The access token was revoked, or the access that it stands for has ended.'),
  // Not 401: another token would change nothing, and SDKs would fetch one again and again.
  'certificate.required': {
    status: 403,
    code: 'certificate_required',
    description:
      'This needs an access token that is bound to a certificate: get one over mutual TLS, and call over mutual TLS.',
  },
  'network.address_not_allowed': addressNotAllowed(
    'The client of this access token may not call from this address. Call from an allowed one, or have this one added.',
  ),
  'network.address_unknown': addressNotAllowed(
    'The client of this access token may call from certain addresses only, and that of this call is not known here.',
  ),
  'network.not_stated': {
    status: 403,
    code: 'address_policy_required',
    description: 'This needs an access token that says where its client may call from.',
  },
  'network.audience_not_named': addressNotAllowed(
    'The access token names no network policy for this API. Get a token for this API alone.',
  ),
  'network.policy_unknown': addressNotAllowed(
    'The network policy that the access token names is not there any more. Get a new token.',
  ),
  'network.policy_unavailable': {
    status: 503,
    code: 'temporarily_unavailable',
    description:
      'Where the client of this access token may call from is not known here at the moment. Try again later.',
  },
  // The API lacks a setting, and no caller can do anything about it.
  'network.no_credential': serverError(),
  'scope.insufficient': {
    status: 403,
    error: 'insufficient_scope',
    code: 'insufficient_scope',
    description: 'The access token lacks a scope that this needs.',
  },
  // Never 401: the token may be perfectly good, and its holder should neither drop it nor fetch another.
  'keys.unavailable': {
    status: 503,
    code: 'temporarily_unavailable',
    description: 'The keys of the token issuer are not known here at the moment. Try again later.',
  },
  'revocations.unavailable': {
    status: 503,
    code: 'temporarily_unavailable',
    description: 'What the token issuer has revoked is not known here at the moment. Try again later.',
  },
  'revocations.stale': {
    status: 503,
    code: 'temporarily_unavailable',
    description: 'What the token issuer has revoked has not been heard here for too long. Try again later.',
  },
  'rules.unavailable': {
    status: 503,
    code: 'temporarily_unavailable',
    description: 'What this API asks of its callers is not known here at the moment. Try again later.',
  },
  'route.no_rule': {
    status: 403,
    code: 'endpoint_not_allowed',
    description: 'No rule of this API allows this call.',
  },
  'request.ambiguous_path': {
    status: 400,
    code: 'ambiguous_path',
    description:
      'The path can be read in more than one way. Write it plainly: without dot segments, empty segments, encoded slashes, backslashes or parameters.',
  },
  'route.unknown': { status: 404, code: 'not_found', description: 'There is nothing here.' },
  'route.undeclared': serverError(),
  'gate.not_the_proxy': {
    status: 403,
    code: 'not_the_proxy',
    description: 'Questions are answered to configured proxies alone.',
  },
  'guard.fault': serverError(),
}

function invalidRequest(description: string): PublicRefusal {
  return { status: 400, error: 'invalid_request', code: 'invalid_request', description }
}

function invalidToken(description: string): PublicRefusal {
  return { status: 401, error: 'invalid_token', code: 'invalid_token', description }
}

function addressNotAllowed(description: string): PublicRefusal {
  return { status: 403, code: 'address_not_allowed', description }
}

function serverError(): PublicRefusal {
  return { status: 500, code: 'server_error', description: 'The server failed to handle the request.' }
}

import type { TokenErrorCode } from '@latchkey/protocol'
import { formRefusals } from '../http/form.ts'
import { denials, type DenialReason } from '../policy/token-decision.ts'
import { authenticationRefusals, type AuthenticationRefusal } from './authenticate/refusals.ts'
import { parseRefusals, type ParseRefusal } from './parse.ts'

/** Why a request about a token is refused, beyond its form and its caller. */
export const tokenRefusals = {
  'request.token_missing': '`token` is missing (RFC 7662 §2.1, RFC 7009 §2.1).',
  'client.is_no_resource_server': 'Endpoint rules and network policies are for the credentials of resource servers.',
  'token.of_another_client': 'The token to be revoked was issued to another client (RFC 7009 §2.1).',
  'token.too_many_revoked':
    'This client has revoked a thousand of its tokens that have not expired yet: every verifier keeps each of them.',
} as const
export type TokenRefusal = keyof typeof tokenRefusals

/** Why the server could not decide, though nothing was wrong with the request. */
export const unavailabilities = {
  'unavailable.store': 'The database did not answer, and this client is not in memory.',
  'unavailable.audit': 'The audit log could not be written, so nothing was issued.',
  'unavailable.overload': 'More requests are waiting than this process takes on.',
} as const
export type Unavailability = keyof typeof unavailabilities

/** The closed union of reasons at the OAuth endpoints. The audit log has them word for word. */
export type RefusalReason = ParseRefusal | AuthenticationRefusal | DenialReason | TokenRefusal | Unavailability

/** What each reason means, for `docs/errors.md`. */
export const refusalMeanings: Readonly<Record<RefusalReason, string>> = {
  ...formRefusals,
  ...parseRefusals,
  ...authenticationRefusals,
  ...denials,
  ...tokenRefusals,
  ...unavailabilities,
}

/** How a refusal shows outside. */
export interface PublicRefusal {
  readonly status: number
  readonly error: TokenErrorCode
  readonly description: string
  /** When waiting for less is no use. */
  readonly retryAfterSeconds?: number
}

/** One answer for every caller who was not believed: bodies are equal to the byte. */
const notBelieved: PublicRefusal = {
  status: 401,
  error: 'invalid_client',
  description: 'client authentication failed',
}

const throttled: PublicRefusal = {
  status: 429,
  error: 'temporarily_unavailable',
  description: 'too many failed attempts from this address; wait as long as Retry-After says',
}

function badRequest(description: string): PublicRefusal {
  return { status: 400, error: 'invalid_request', description }
}

function badScope(description: string): PublicRefusal {
  return { status: 400, error: 'invalid_scope', description }
}

/** Reason → answer (RFC 6749 §5.2, RFC 8707 §2): exhaustive, and the only place that knows the codes. */
export const publicRefusals: Readonly<Record<RefusalReason, PublicRefusal>> = {
  'request.method': { status: 405, error: 'invalid_request', description: 'use POST' },
  'request.content_type': badRequest('send the body as application/x-www-form-urlencoded'),
  'request.content_encoding': badRequest('send the body without Content-Encoding'),
  'request.too_large': { status: 413, error: 'invalid_request', description: 'the body is larger than 16 KiB' },
  'request.encoding': badRequest('the body is not well-formed application/x-www-form-urlencoded in UTF-8'),
  'request.too_many_parameters': badRequest('too many parameters'),
  'request.duplicate_parameter': badRequest('a parameter is sent more than once; only resource may be'),
  'request.parameter_in_query': badRequest('send parameters in the body, not in the URL'),
  'request.grant_type_missing': badRequest('grant_type is missing'),
  'request.grant_type_unsupported': {
    status: 400,
    error: 'unsupported_grant_type',
    description: 'the only grant_type is client_credentials',
  },

  'authentication.none': notBelieved,
  'authentication.malformed_basic': notBelieved,
  'authentication.unsupported_scheme': notBelieved,
  'authentication.unsupported_method': notBelieved,
  'authentication.several_methods': badRequest('authenticate in one way: by HTTP Basic or in the body'),
  'authentication.client_unknown': notBelieved,
  'authentication.secret_malformed': notBelieved,
  'authentication.secret_unknown': notBelieved,
  'authentication.secret_wrong': notBelieved,
  'authentication.secret_revoked': notBelieved,
  'authentication.secret_expired': notBelieved,
  'authentication.client_disabled': notBelieved,
  'authentication.method_not_registered': notBelieved,
  'authentication.certificate_missing': notBelieved,
  'authentication.certificate_unreadable': notBelieved,
  'authentication.certificate_not_yet_valid': notBelieved,
  'authentication.certificate_expired': notBelieved,
  'authentication.certificate_version': notBelieved,
  'authentication.certificate_serial': notBelieved,
  'authentication.certificate_is_authority': notBelieved,
  'authentication.certificate_key_usage': notBelieved,
  'authentication.certificate_purpose': notBelieved,
  'authentication.certificate_weak_key': notBelieved,
  'authentication.certificate_extension': notBelieved,
  'authentication.certificate_of_another_client': notBelieved,
  'authentication.certificate_unknown': notBelieved,
  'authentication.certificate_issuer_unknown': notBelieved,
  'authentication.certificate_chain_limit': notBelieved,
  'authentication.certificate_chain_signature': notBelieved,
  'authentication.certificate_chain_algorithm': notBelieved,
  'authentication.certificate_chain_not_authority': notBelieved,
  'authentication.certificate_chain_too_long': notBelieved,
  'authentication.certificate_chain_purpose': notBelieved,
  'authentication.certificate_chain_extension': notBelieved,
  'authentication.certificate_chain_weak_key': notBelieved,
  'authentication.certificate_chain_not_yet_valid': notBelieved,
  'authentication.certificate_chain_expired': notBelieved,
  'authentication.certificate_name_constraints': notBelieved,
  'authentication.certificate_other_subject': notBelieved,
  'authentication.certificate_revoked': notBelieved,
  'authentication.throttled': throttled,
  'authentication.throttled_secret': throttled,

  'client.disabled': notBelieved,
  'client.certificate_required': notBelieved,
  'client.is_resource_server': {
    status: 400,
    error: 'unauthorized_client',
    description: "a resource server's credential gets no tokens",
  },
  'network.address_not_allowed': {
    status: 400,
    error: 'unauthorized_client',
    description: 'this client may not call from the address, as this server sees it',
  },
  'scope.malformed': badScope('scope is malformed: names separated by single spaces'),
  'scope.unknown': badScope('unknown scope'),
  'scope.not_granted': badScope('this client is not granted the scope'),
  'scope.ended': badScope('the access to the scope has ended'),
  'scope.exclusive': badScope("this scope's API shares no token with another: ask for it alone"),
  'scope.nothing_granted': badScope('this client is granted nothing that a request without scope could get'),
  'scope.nothing_left': badScope('none of the requested scopes belongs to the requested resources'),
  'resource.unknown': { status: 400, error: 'invalid_target', description: 'unknown resource' },
  'resource.not_granted': {
    status: 400,
    error: 'invalid_target',
    description: 'this client is granted nothing at the resource',
  },
  'lifetime.nothing_left': notBelieved,

  'client.is_no_resource_server': {
    status: 403,
    error: 'unauthorized_client',
    description: "this is for a resource server's credential",
  },
  'request.token_missing': badRequest('token is missing'),
  'token.of_another_client': {
    status: 400,
    error: 'invalid_grant',
    description: 'the token was issued to another client',
  },
  'token.too_many_revoked': {
    status: 503,
    error: 'temporarily_unavailable',
    description:
      'this client has revoked too many tokens that have not expired yet; this one lives on. Revoke its secret to end all of them',
    retryAfterSeconds: 60,
  },

  'unavailable.store': { status: 503, error: 'temporarily_unavailable', description: 'try again shortly' },
  'unavailable.audit': { status: 503, error: 'temporarily_unavailable', description: 'try again shortly' },
  'unavailable.overload': { status: 503, error: 'temporarily_unavailable', description: 'try again shortly' },
}

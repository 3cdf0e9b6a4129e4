/**
 * Why a caller was not believed. Outside, all of them are the same `invalid_client` but for those that tell only about the request's form;
 * the audit log has the precise one.
 */
export const authenticationRefusals = {
  'authentication.none': 'The request carries no credentials.',
  'authentication.malformed_basic': 'The Authorization header is not well-formed Basic (RFC 7617 §2, RFC 6749 §2.3.1).',
  'authentication.unsupported_scheme': 'The Authorization header has a scheme other than Basic.',
  'authentication.unsupported_method': 'The request authenticates by a method that this server does not offer.',
  'authentication.several_methods': 'The request authenticates in more than one way (RFC 6749 §2.3).',
  'authentication.client_unknown': 'There is no such client.',
  'authentication.secret_malformed':
    'The secret has not the form of one: a typing error, a truncated copy, another system’s.',
  'authentication.secret_unknown':
    'The client has no secret with this id; it may have belonged to another client or environment.',
  'authentication.secret_wrong': 'The secret’s id is right and the rest is not.',
  'authentication.secret_revoked': 'The secret is right and has been revoked.',
  'authentication.secret_expired': 'The secret is right and has expired.',
  'authentication.client_disabled': 'The secret is right and the client is disabled.',
  'authentication.throttled': 'Too many failed attempts came from this address; this one was not right either.',
  'authentication.throttled_secret':
    'Too many wrong guesses at this secret came from this address; this one was not looked at.',
} as const
export type AuthenticationRefusal = keyof typeof authenticationRefusals

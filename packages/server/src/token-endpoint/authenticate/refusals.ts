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
  'authentication.client_disabled': 'The credential is right and the client is disabled.',
  'authentication.method_not_registered':
    'The client authenticates by another method than the one that it is registered for.',
  'authentication.certificate_missing':
    'The client needs a certificate, and the connection brought none: another port, a proxy that keeps it, a program that was not told of it.',
  'authentication.certificate_unreadable': 'The certificate cannot be read, or its key is no point of its curve.',
  'authentication.certificate_not_yet_valid': 'The certificate holds from a later moment on.',
  'authentication.certificate_expired': 'The certificate has expired.',
  'authentication.certificate_version': 'The certificate is not of version 3 (RFC 5280 §4.1.2.1).',
  'authentication.certificate_serial':
    'The serial number of the certificate is not positive, or longer than 20 octets (RFC 5280 §4.1.2.2).',
  'authentication.certificate_is_authority':
    'The certificate is that of an authority (CA:TRUE), which authenticates nobody.',
  'authentication.certificate_key_usage': 'The certificate does not allow digital signatures (RFC 5280 §4.2.1.3).',
  'authentication.certificate_purpose':
    'The certificate is not made for clients: its extended key usage lacks clientAuth.',
  'authentication.certificate_weak_key':
    'The key of the certificate is too weak: RSA below 2048 bits, or another kind.',
  'authentication.certificate_extension':
    'The certificate has a critical extension that is not understood here, or one that is there twice.',
  'authentication.certificate_of_another_client': 'The certificate was issued by this server, and not to this client.',
  'authentication.certificate_unknown': 'The certificate was neither issued to this client nor registered for it.',
  'authentication.certificate_issuer_unknown':
    'The certificate does not lead to the authority that is registered for this client: another one issued it, or an intermediate is missing.',
  'authentication.certificate_chain_limit':
    'More certificates came with the certificate than are looked at, or the way to its authority is too long.',
  'authentication.certificate_chain_signature':
    'A signature between the certificate and its authority is wrong, or its two statements of the algorithm differ.',
  'authentication.certificate_chain_algorithm':
    'A signature between the certificate and its authority is by an algorithm that is not believed any more, as SHA-1.',
  'authentication.certificate_chain_not_authority':
    'A certificate on the way to the authority is not that of one (CA:TRUE, keyCertSign, version 3).',
  'authentication.certificate_chain_too_long':
    'An authority on the way allows fewer authorities below it (pathlen, RFC 5280 §4.2.1.9).',
  'authentication.certificate_chain_purpose':
    'An authority on the way may not certify clients: its extended key usage lacks clientAuth.',
  'authentication.certificate_chain_extension':
    'An authority on the way has an extension twice, or a critical one that is not understood here.',
  'authentication.certificate_chain_weak_key': 'The key of an authority on the way is too weak.',
  'authentication.certificate_chain_not_yet_valid': 'An authority on the way holds from a later moment on.',
  'authentication.certificate_chain_expired': 'An authority on the way has expired.',
  'authentication.certificate_name_constraints':
    'An authority on the way may not certify a name of the certificate (RFC 5280 §4.2.1.10).',
  'authentication.certificate_other_subject':
    'The certificate is of the registered authority, and has not the name that is registered for this client.',
  'authentication.certificate_revoked': 'The certificate is right and has been revoked.',
  'authentication.throttled': 'Too many failed attempts came from this address; this one was not right either.',
  'authentication.throttled_secret':
    'Too many wrong guesses at this secret came from this address; this one was not looked at.',
} as const
export type AuthenticationRefusal = keyof typeof authenticationRefusals

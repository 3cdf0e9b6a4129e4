/**
 * How a client proves who it is. `secret`: `client_secret_basic` or `client_secret_post`. `secret-and-certificate`: so, over a connection with a certificate that
 * was issued to it or registered for it. `mtls`: by a certificate that was issued to it, or by one of a foreign authority
 * with the name that was registered for it (`tls_client_auth`, RFC 8705 §2.1). `self-signed-mtls`: by a
 * certificate with a key that was registered for it (`self_signed_tls_client_auth`, §2.2).
 */
export const clientAuthentications = ['secret', 'secret-and-certificate', 'mtls', 'self-signed-mtls'] as const
export type ClientAuthentication = (typeof clientAuthentications)[number]

/** Whether a secret takes part. */
export function takesSecret(authentication: ClientAuthentication): boolean {
  return authentication === 'secret' || authentication === 'secret-and-certificate'
}

/** Whether tokens that were had in the one way end when it becomes the other: all do, unless nothing more is asked than before. */
export function endsTokens(before: ClientAuthentication, after: ClientAuthentication): boolean {
  return before !== after && !(before === 'secret-and-certificate' && after === 'secret')
}

/** Whether somebody may get in by the other way who could not by the one: asking for a certificate as well is the only change that lets in nobody new. */
export function letsInOthers(before: ClientAuthentication, after: ClientAuthentication): boolean {
  return before !== after && !(before === 'secret' && after === 'secret-and-certificate')
}

/** The credential of this API at the issuer: `latchkey resource-server credential`. */
export interface IssuerCredential {
  readonly clientId: string
  /** A function is asked each time, so that a secret can be changed while the API runs. */
  readonly clientSecret: string | (() => string | Promise<string>)
}

/** `Authorization` of a request with this credential (RFC 6749 §2.3.1). Rejects when the secret cannot be had. */
export async function basicAuthorization({ clientId, clientSecret }: IssuerCredential): Promise<string> {
  const secret = typeof clientSecret === 'string' ? clientSecret : await clientSecret()
  return `Basic ${btoa(`${encodeForm(clientId)}:${encodeForm(secret)}`)}`
}

/** application/x-www-form-urlencoded: ASCII alone. */
function encodeForm(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

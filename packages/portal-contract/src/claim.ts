import { z } from 'zod'
import { authenticationMethods, pastedKey } from './access-requests.ts'

/*
 * A delivery link, `<issuer>/claim/<id>#<key>`. Everything is POSTed with the key in the body, never in a URL. GET of the page is the same for
 * every id, and spends nothing.
 */

const linkKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'the part of the link behind the #: 43 of A-Z a-z 0-9 _ -')

/** `POST /claim/{id}/status`: what the page may say before anybody presses. Changes nothing. */
export const linkStatusInput = z.strictObject({ key: linkKey })

export const linkState = z.enum([
  'open',
  'claimed',
  'delivered',
  'undelivered',
  'disowned',
  'revoked',
  'expired',
  'locked',
])
export type LinkState = z.infer<typeof linkState>

/** What whoever has the key may know of a link. Times are seconds since 1970. */
export const linkStatus = z.strictObject({
  /** `claimed`: shown, and neither confirmed nor used yet. `delivered`: confirmed or used. */
  state: linkState,
  client_name: z.string(),
  expires_at: z.int(),
  needs_code: z.boolean(),
  /** What the link delivers: a secret, certificates, or the use of the client's own certificate. */
  authentication: z.enum(authenticationMethods),
  /** What the claim has to bring: `csr` (or `make_key`), the client's own `certificate`, or nothing. */
  needs_key: z.enum(['none', 'csr', 'certificate']),
  claimed_at: z.int().optional(),
  /** Until then "That was not me" revokes the credential; afterwards it only tells the team. Set once claimed. */
  disown_until: z.int().optional(),
})
export type LinkStatus = z.infer<typeof linkStatus>

/** `POST /claim/{id}`: makes the credential and answers with it, once. */
export const claimInput = z.strictObject({
  key: linkKey,
  /** The one-time code, where the link needs one; spaces and dashes do not matter. */
  code: z.string().min(1).max(32).optional(),
  /** Where the link needs it: the signing request that the certificate is issued for, … */
  csr: pastedKey.optional(),
  /** … or true: the server makes the key, and answers it once. */
  make_key: z.literal(true).optional(),
  /** Where the link needs it: the client's own certificate. */
  certificate: pastedKey.optional(),
})

/** A certificate that was issued at the claim. All PEM but `pkcs12`. */
export const claimedCertificate = z.strictObject({
  serial: z.string(),
  certificate: z.string(),
  /** What stands between it and the root, and the root. */
  chain: z.string(),
  not_after: z.int(),
  /** What the signing request asked for in vain, in words. */
  ignored: z.array(z.string()),
  /** PKCS #8, not encrypted: where the server made the key. */
  private_key: z.string().optional(),
  /** All of it in one file (RFC 7292), base64; and its password. */
  pkcs12: z.string().optional(),
  pkcs12_password: z.string().optional(),
})
export type ClaimedCertificate = z.infer<typeof claimedCertificate>

export const claimedCredential = z.strictObject({
  issuer: z.string(),
  token_endpoint: z.string(),
  client_id: z.string(),
  client_name: z.string(),
  authentication: z.enum(authenticationMethods),
  /** Absent where certificates alone are asked for. */
  client_secret: z.string().optional(),
  certificate: claimedCertificate.optional(),
  /** Of the client's own certificate that is taken from now on: SHA-256 of its key, hexadecimal. */
  registered_key: z.string().optional(),
  /** Where a certificate is shown; set where one takes part. */
  mtls_token_endpoint: z.string().optional(),
  /** What that place is trusted by, PEM; absent: by what every program trusts. */
  server_ca: z.string().optional(),
  scopes: z.array(z.string()),
  /** When the secret ends; absent: it does not. */
  expires_at: z.int().optional(),
  /** Proves to {@link acknowledgeInput} that the caller was shown the credential. */
  receipt: z.string(),
  /** Unless it is acknowledged or used by then, the credential is revoked. */
  confirm_by: z.int(),
})
export type ClaimedCredential = z.infer<typeof claimedCredential>

/** `POST /claim/{id}/acknowledge`: it arrived. Repeating it changes nothing. Answers with {@link linkStatus}. */
export const acknowledgeInput = z.strictObject({ key: linkKey, receipt: z.string().min(1).max(64) })

/** `POST /claim/{id}/disown`: "That was not me." Repeating it changes nothing. */
export const disownInput = z.strictObject({ key: linkKey })

export const disowned = z.strictObject({
  /** Whether the credential was revoked, now or before; false once the seven days are over: then only the team was told. */
  revoked: z.boolean(),
  status: linkStatus,
})
export type Disowned = z.infer<typeof disowned>

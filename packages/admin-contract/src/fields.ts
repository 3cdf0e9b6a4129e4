import { z } from 'zod'

/** Building blocks of every operation. Times are whole seconds since 1970 (`…_at`) or lengths in seconds (`…_in`, `…_seconds`). */

export const clientId: z.ZodString = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, 'a client_id: 1 to 64 of A-Z a-z 0-9 -')
  .meta({ examples: ['1f9k2m4p6r8t0v1x3z5b7d9f'] })

export const resourceServerName: z.ZodString = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, '1 to 63 of a-z 0-9 . -, beginning with a letter or a digit')
  .meta({ examples: ['configurations'] })

export const scopeName: z.ZodString = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,126}$/, '1 to 127 of A-Z a-z 0-9 . _ : -, beginning with a letter or a digit')
  .meta({ examples: ['configurations.read'] })

/**
 * How a client proves who it is: `secret`; a secret over a connection with a certificate of its own (`secret-and-certificate`); a certificate that was
 * issued to it, or one of a foreign authority with its registered name (`mtls`, RFC 8705 §2.1); one with a key that was registered for it (`self-signed-mtls`, §2.2).
 */
export const authentication = z.enum(['secret', 'secret-and-certificate', 'mtls', 'self-signed-mtls'])

/** `<resource server>/<scope>`. */
export const scope: z.ZodString = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9.-]{0,62}\/[A-Za-z0-9][A-Za-z0-9._:-]{0,126}$/,
    '<resource server>/<scope>, for example configurations/configurations.read',
  )
  .meta({ examples: ['configurations/configurations.read'] })

/** An absolute URI without a fragment (RFC 8707 §2). */
export const audience: z.ZodString = z
  .string()
  .max(512)
  .regex(
    /^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/,
    'an absolute URI without a fragment, for example https://api.example.com/configurations',
  )
  .meta({ examples: ['https://api.example.com/configurations'] })

/** A name for people: no control characters, so that no list or log line can be broken by it. */
export const displayName: z.ZodString = z
  .string()
  .min(1)
  .max(120)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+$/u, 'no control or formatting characters')
  .regex(/\S/, 'not only spaces')
  .meta({ examples: ['Billing of Acme'] })

/** What mail systems take: one address without a name. */
export const contactAddressPattern: RegExp =
  /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/

/** An e-mail address, as mail systems take it; whether it is anybody's is not checked. */
export const contactAddress: z.ZodString = z
  .string()
  .max(254)
  .regex(contactAddressPattern, 'an e-mail address')
  .meta({ examples: ['integration@acme.example'] })

export const description: z.ZodString = z
  .string()
  .max(500)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]*$/u, 'no control or formatting characters')

export const credentialId: z.ZodString = z
  .string()
  .regex(/^[A-Za-z0-9]{8,32}$/, 'the id of a credential')
  .meta({ examples: ['8BqT3xW0eYpL5nRk'] })

export const linkId: z.ZodString = z
  .string()
  .regex(/^[a-z0-9]{24}$/, 'the id of a delivery link: 24 of a-z 0-9')
  .meta({ examples: ['3h5k7n9q1s3u5w7y9a1c3e5g'] })

export const requestId: z.ZodString = z
  .string()
  .regex(/^[a-z0-9]{24}$/, 'the id of an access request: 24 of a-z 0-9')
  .meta({ examples: ['7j9l1n3p5r7t9v1x3z5b7d9f'] })

export const invitationId: z.ZodString = z
  .string()
  .regex(/^[a-z0-9]{16}$/, 'the id of an invitation: 16 of a-z 0-9')
  .meta({ examples: ['5b7d9f1h3j5l7n9p'] })

export const serial: z.ZodString = z
  .string()
  .regex(/^[0-9a-f]{32}$/, 'the serial of a certificate: 32 of 0-9 a-f')
  .meta({ examples: ['4f1d0a2b3c4d5e6f708192a3b4c5d6e7'] })

/** A text for people, with line breaks. */
export const longText: z.ZodString = z
  .string()
  .regex(/^(?:[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|[\n\r\t]|\u200C|\u200D)*$/u, 'no control or formatting characters')

/** An RFC 7638 thumbprint. */
export const keyId: z.ZodString = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'the kid of a signing key: 43 of A-Z a-z 0-9 _ -')

export const tokenTtlSeconds: z.ZodNumber = z.int().min(60).max(86_400)

/** At least a minute, at most ten years. */
export const expiresInSeconds: z.ZodNumber = z.int().min(60).max(315_360_000)

export const epochSeconds: z.ZodNumber = z.int().nonnegative()

/** A compact JWS; only its size is checked here. */
export const token: z.ZodString = z.string().min(1).max(16_384)

export const pageInput: z.ZodObject<
  { limit: z.ZodOptional<z.ZodCoercedNumber>; cursor: z.ZodOptional<z.ZodString> },
  z.core.$strict
> = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).optional(),
  cursor: z.string().min(1).max(4096).optional(),
})

/**
 * The revision that the caller has seen. Every change of a thing makes it one more; when it is another by now, nothing is done. Absent: whatever
 * it is.
 */
export const revision: z.ZodNumber = z.int().min(1)

/** The same in a query. */
export const revisionParameter: z.ZodCoercedNumber = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER)

const printable = /^[\x20-\x7e]*$/

/** A `scope` parameter as it would be sent: its grammar is judged where a token request's is. */
export const scopeParameter: z.ZodString = z.string().max(8192).regex(printable, 'printable ASCII')

/** `resource` parameters as they would be sent. */
export const resourceParameters: z.ZodArray<z.ZodString> = z
  .array(z.string().max(2048).regex(printable, 'printable ASCII'))
  .max(20)

/** The end of the year 9999: later ones have no ISO 8601 form of four digits. */
export const latestEpochSeconds = 253_402_300_799

/** A moment at which something ends. */
export const endSeconds: z.ZodNumber = z.int().min(0).max(latestEpochSeconds)

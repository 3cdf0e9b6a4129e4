import { z } from 'zod'

/** Building blocks of every operation. Times are whole seconds since 1970 (`…_at`) or lengths in seconds (`…_in`, `…_seconds`). */

export const clientId: z.ZodString = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'a client_id: 1 to 64 of A-Z a-z 0-9 -')

export const resourceServerName: z.ZodString = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, '1 to 63 of a-z 0-9 . -, beginning with a letter or a digit')

export const scopeName: z.ZodString = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,126}$/, '1 to 127 of A-Z a-z 0-9 . _ : -, beginning with a letter or a digit')

/** `<resource server>/<scope>`. */
export const scope: z.ZodString = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9.-]{0,62}\/[A-Za-z0-9][A-Za-z0-9._:-]{0,126}$/,
    '<resource server>/<scope>, for example configurations/configurations.read',
  )

/** An absolute URI without a fragment (RFC 8707 §2). */
export const audience: z.ZodString = z
  .string()
  .max(512)
  .regex(
    /^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/,
    'an absolute URI without a fragment, for example https://api.example.com/configurations',
  )

/** A name for people: no control characters, so that no list or log line can be broken by it. */
export const displayName: z.ZodString = z
  .string()
  .min(1)
  .max(120)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+$/u, 'no control or formatting characters')
  .regex(/\S/, 'not only spaces')

export const description: z.ZodString = z
  .string()
  .max(500)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]*$/u, 'no control or formatting characters')

export const credentialId: z.ZodString = z.string().regex(/^[A-Za-z0-9]{8,32}$/, 'the id of a credential')

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
  cursor: z.string().max(512).optional(),
})

/** A `scope` parameter as it would be sent: its grammar is judged where a token request's is. */
export const scopeParameter: z.ZodString = z.string().max(8192)

/** `resource` parameters as they would be sent. */
export const resourceParameters: z.ZodArray<z.ZodString> = z.array(z.string().max(2048)).max(20)

/** The end of the year 9999: later ones have no ISO 8601 form of four digits. */
export const latestEpochSeconds = 253_402_300_799

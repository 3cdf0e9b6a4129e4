import { z } from 'zod'
import * as field from './fields.ts'
import { operation } from './operation.ts'
import { adminRoutes } from './routes.ts'

const routes = adminRoutes.registeredKeys

/** The key of a certificate that a client made itself. */
export const registeredKey = z.strictObject({
  id: z.string(),
  /** SHA-256 of its SubjectPublicKeyInfo, hexadecimal. */
  sha256: z.string(),
  state: z.enum(['active', 'revoked']),
  created_at: field.epochSeconds,
  last_used_at: field.epochSeconds.optional(),
  revoked_at: field.epochSeconds.optional(),
})
export type RegisteredKey = z.infer<typeof registeredKey>

export const registeredKeys = {
  create: operation(routes.create, {
    tags: ['certificates'],
    summary: 'Register the key of a certificate that a client made itself',
    description: 'Any certificate with this key is its own from then on (RFC 8705 §2.2). Only the key counts.',
  })
    .input(
      z.strictObject({
        params: z.strictObject({ client_id: field.clientId }),
        body: z.strictObject({
          /** PEM. */
          certificate: z.string().min(1).max(16_384),
        }),
      }),
    )
    .output(registeredKey),
  revoke: operation(routes.revoke, {
    tags: ['certificates'],
    summary: 'End the registration of a key, and the tokens that were got with it',
  })
    .input(z.strictObject({ params: z.strictObject({ id: field.credentialId }) }))
    .output(registeredKey),
}

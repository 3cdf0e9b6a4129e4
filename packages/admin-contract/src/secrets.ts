import { z } from 'zod'
import * as field from './fields.ts'
import { operation } from './operation.ts'
import { adminRoutes } from './routes.ts'

const routes = adminRoutes.secrets

/** A secret as far as it may be shown again: neither it nor its digest. */
export const secret = z.strictObject({
  id: z.string(),
  name: z.string(),
  created_at: field.epochSeconds,
  expires_at: field.epochSeconds.optional(),
  /** Up to a second late. */
  last_used_at: field.epochSeconds.optional(),
  revoked_at: field.epochSeconds.optional(),
  state: z.enum(['active', 'expired', 'revoked']),
  /** The secret that it was made to replace. */
  replaces: z.string().optional(),
})
export type Secret = z.infer<typeof secret>

const params = z.strictObject({ client_id: field.clientId })

export const secrets = {
  add: operation(routes.add, {
    tags: ['secrets'],
    summary: 'Give a client one more secret',
    description: 'The secret is shown once. One that `replaces` another leaves that one working until it is revoked.',
  })
    .input(
      z.strictObject({
        params,
        body: z
          .strictObject({
            name: field.displayName.optional(),
            expires_in: field.expiresInSeconds.optional(),
            replaces: field.credentialId.optional(),
          })
          .optional(),
      }),
    )
    .output(z.strictObject({ id: z.string(), client_secret: z.string(), expires_at: field.epochSeconds.optional() })),
  list: operation(routes.list, { tags: ['secrets'], summary: "List a client's secrets, oldest first" })
    .input(z.strictObject({ params }))
    .output(z.strictObject({ items: z.array(secret) })),
  revoke: operation(routes.revoke, {
    tags: ['secrets'],
    summary: 'Revoke a secret and end its tokens',
    description: 'With `compromised`, also every secret that was rotated from it.',
  })
    .input(
      z.strictObject({
        params: z.strictObject({ id: field.credentialId }),
        body: z.strictObject({ compromised: z.boolean().optional() }).optional(),
      }),
    )
    .output(z.strictObject({ revoked: z.array(z.string()) })),
}

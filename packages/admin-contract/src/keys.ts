import { z } from 'zod'
import * as field from './fields.ts'
import { operation } from './operation.ts'
import { adminRoutes } from './routes.ts'

/** A token signing key: its public face only. */
const signingKey = z.strictObject({
  kid: z.string(),
  algorithm: z.string(),
  state: z.enum(['standby', 'active', 'retired', 'revoked']),
  created_at: field.epochSeconds,
  activated_at: field.epochSeconds.optional(),
})
export type SigningKey = z.infer<typeof signingKey>

export const keys = {
  list: operation
    .route({ ...adminRoutes.keys.list, tags: ['keys'], summary: 'List the token signing keys' })
    .input(z.strictObject({}))
    .output(z.strictObject({ items: z.array(signingKey) })),
}

import { z } from 'zod'
import * as field from './fields.ts'
import { operation } from './operation.ts'
import { adminRoutes } from './routes.ts'

const routes = adminRoutes.tokens

/** A token as the token endpoint would answer it (RFC 6749 §5.1). */
const issuedToken = z.strictObject({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int(),
  scope: z.string(),
})
export type IssuedToken = z.infer<typeof issuedToken>

/** What can be said about a token. */
const tokenInspection = z.strictObject({
  active: z.boolean(),
  /** Why it is not active; absent when it is. */
  reason: z.string().optional(),
  header: z.record(z.string(), z.unknown()).optional(),
  claims: z.record(z.string(), z.unknown()).optional(),
})
export type TokenInspection = z.infer<typeof tokenInspection>

export const tokens = {
  get: operation(routes.get, {
    tags: ['tokens'],
    summary: 'Issue a token for a client',
    description: "Under the client's built-in credential: none of its secrets takes part. Audited.",
  })
    .input(
      z.strictObject({
        body: z.strictObject({
          client_id: field.clientId,
          scope: field.scopeParameter.optional(),
          resource: field.resourceParameters.optional(),
        }),
      }),
    )
    .output(issuedToken),
  inspect: operation(routes.inspect, { tags: ['tokens'], summary: 'Say what a token is and whether it is active' })
    .input(z.strictObject({ body: z.strictObject({ token: field.token }) }))
    .output(tokenInspection),
  revoke: operation(routes.revoke, { tags: ['tokens'], summary: 'Revoke one token' })
    .input(z.strictObject({ body: z.strictObject({ token: field.token }) }))
    .output(z.strictObject({ jti: z.string(), expires_at: field.epochSeconds })),
}

import { z } from 'zod'
import * as field from './fields.ts'
import { emptyBody, operation } from './operation.ts'
import { adminRoutes } from './routes.ts'

const routes = adminRoutes.keys

/** A token signing key: its public face only. */
const signingKey = z.strictObject({
  kid: z.string(),
  algorithm: z.string(),
  state: z.enum(['standby', 'active', 'retired', 'revoked']),
  created_at: field.epochSeconds,
  activated_at: field.epochSeconds.optional(),
  retired_at: field.epochSeconds.optional(),
  revoked_at: field.epochSeconds.optional(),
  /** For a standby: from when on every verifier knows it. */
  ready_at: field.epochSeconds.optional(),
  /** For a retired or revoked key: when it is dropped. */
  removed_at: field.epochSeconds.optional(),
})
export type SigningKey = z.infer<typeof signingKey>

/** What a change of keys came to: kids. */
const keyChanges = {
  /** The key that signs from now on; absent when that has not changed. */
  activated: z.string().optional(),
  created: z.array(z.string()),
  removed: z.array(z.string()),
  /** What may go wrong now, in one sentence. */
  warning: z.string().optional(),
}

const keyRotation = z.strictObject({ ...keyChanges, retired: z.string().optional() })
export type KeyRotation = z.infer<typeof keyRotation>

const keyRevocation = z.strictObject({ ...keyChanges, revoked: z.string() })
export type KeyRevocation = z.infer<typeof keyRevocation>

export const keys = {
  list: operation(routes.list, { tags: ['keys'], summary: 'List the token signing keys' })
    .input(z.strictObject({}))
    .output(
      z.strictObject({
        items: z.array(signingKey),
        /** When the schedule lets the next key sign; absent when it never does. */
        next_rotation_at: field.epochSeconds.optional(),
      }),
    ),
  rotate: operation(routes.rotate, {
    tags: ['keys'],
    summary: 'Let the standby key sign now',
    description:
      'Ends no token: the key before stays published until its last token has expired. Warns when the standby has been published for so short a time that a verifier may not know it.',
  })
    .input(z.strictObject({ body: emptyBody }))
    .output(keyRotation),
  revoke: operation(routes.revoke, {
    tags: ['keys'],
    summary: 'Revoke a signing key',
    description:
      'Ends every token that it signed, at every verifier. When it is the key that signs, the standby takes over at once.',
  })
    .input(z.strictObject({ params: z.strictObject({ kid: field.keyId }), body: emptyBody }))
    .output(keyRevocation),
}

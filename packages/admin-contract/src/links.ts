import { z } from 'zod'
import * as field from './fields.ts'
import { operation, pageOf } from './operation.ts'
import { adminRoutes } from './routes.ts'

const routes = adminRoutes.links

/** At least a minute, at most seven days. */
const linkLifetime = z.int().min(60).max(604_800)

const linkState = z.enum(['open', 'claimed', 'delivered', 'undelivered', 'disowned', 'revoked', 'expired', 'locked'])

/** A delivery link as it is remembered: without the key in it, which nobody has but its receiver. */
const deliveryLink = z.strictObject({
  id: z.string(),
  client_id: z.string(),
  /** As it was when the link was made. */
  client_name: z.string(),
  state: linkState,
  contact_address: z.string().optional(),
  needs_code: z.boolean(),
  /** The access request whose approval made it. */
  request_id: z.string().optional(),
  created_at: field.epochSeconds,
  created_by: z.string(),
  expires_at: field.epochSeconds,
  claimed_at: field.epochSeconds.optional(),
  confirmed_at: field.epochSeconds.optional(),
  ended_at: field.epochSeconds.optional(),
  /** When somebody with the link said "That was not me". */
  disowned_at: field.epochSeconds.optional(),
  /** The secret that the claim made. */
  secret_id: z.string().optional(),
  /** The certificate that it made, … */
  certificate_serial: z.string().optional(),
  /** … or the key of the client's own certificate that it registered. */
  registered_key_id: z.string().optional(),
})
export type DeliveryLink = z.infer<typeof deliveryLink>

/** What is answered once, when a link is made. */
const newDeliveryLink = z.strictObject({
  id: z.string(),
  expires_at: field.epochSeconds,
  /** A secret until it is claimed. */
  delivery_link: z.string(),
  /** The one-time code, for another channel than the link's. */
  code: z.string().optional(),
  /** Whom the server has sent the link by mail; absent: nobody, so that it has to be handed over. */
  mailed_to: z.string().optional(),
})
export type NewDeliveryLink = z.infer<typeof newDeliveryLink>

export const links = {
  create: operation(routes.create, {
    tags: ['delivery links'],
    summary: 'Make a link that shows a new credential once',
    description:
      'No credential exists before the claim. Ends every earlier link of the client, and the credential of one that was never confirmed. The link is answered once.',
  })
    .input(
      z.strictObject({
        params: z.strictObject({ client_id: field.clientId }),
        body: z
          .strictObject({
            expires_in: linkLifetime.optional(),
            /** Who is told; the client's contact when absent. */
            contact_address: field.contactAddress.optional(),
            with_code: z.boolean().optional(),
            /** False: the link is not sent to the contact. */
            mail: z.boolean().optional(),
            secret_expires_in: field.expiresInSeconds.optional(),
            secret_name: field.displayName.optional(),
          })
          .optional(),
      }),
    )
    .output(newDeliveryLink),
  list: operation(routes.list, { tags: ['delivery links'], summary: 'List delivery links, newest first' })
    .input(
      z.strictObject({
        query: z
          .strictObject({
            ...field.pageInput.shape,
            client_id: field.clientId.optional(),
            state: linkState.optional(),
          })
          .optional(),
      }),
    )
    .output(pageOf(deliveryLink)),
  revoke: operation(routes.revoke, {
    tags: ['delivery links'],
    summary: 'End a delivery link',
    description: 'Also revokes a credential that was shown and never confirmed.',
  })
    .input(z.strictObject({ params: z.strictObject({ id: field.linkId }) }))
    .output(deliveryLink),
}

import type { Scope } from '@latchkey/protocol'
import * as clients from '../../clients/create-client.ts'
import { createClientWithLink } from '../../delivery-links/create-client-with-link.ts'
import { done } from '../../kernel/result.ts'
import { handedOutShape } from '../links/create-link.ts'
import { changeContext, type Operation } from '../operation.ts'
import { clientShape, momentIn } from '../shapes.ts'

/** `POST /clients`: with a delivery link for its first secret, or with the secret itself. Refuses with `scope.unknown`. */
export const createClient: Operation<'clients', 'create'> = async (context, { body }) => {
  const { change, maker, notifier, issuer } = context.services
  const at = changeContext(context)
  const input = {
    name: body.name,
    scopes: body.scopes as Scope[],
    contactAddress: body.contact_address,
    tokenTtlSeconds: body.token_ttl_seconds,
  }
  if (body.show_secret === true) {
    const secretExpiresAt = momentIn(body.secret_expires_in, at.now)
    const created = await clients.createClient(change, maker, at, { ...input, secretExpiresAt })
    if (!created.ok) return created
    return done({ ...clientShape(created.value.client), client_secret: created.value.clientSecret })
  }
  const withLifetime = { ...input, secretLifetimeSeconds: body.secret_expires_in }
  const created = await createClientWithLink(change, maker, at, withLifetime, { issuer, notifier, byMail: true })
  if (!created.ok) return created
  const { id, ...link } = handedOutShape(created.value.handedOut)
  return done({
    ...clientShape(created.value.client),
    link_id: id,
    delivery_link: link.delivery_link,
    link_expires_at: link.expires_at,
    mailed_to: link.mailed_to,
  })
}

import type { Scope } from '@latchkey/protocol'
import { takesSecret } from '../../clients/authentication.ts'
import * as clients from '../../clients/create-client.ts'
import { createClientWithLink } from '../../delivery-links/create-client-with-link.ts'
import { refuseChange } from '../../kernel/refusal.ts'
import { done } from '../../kernel/result.ts'
import { handedOutShape } from '../links/create-link.ts'
import { changeContext, type Operation } from '../operation.ts'
import { requestedNetwork } from '../requested-network.ts'
import { clientShape, momentIn } from '../shapes.ts'

/**
 * `POST /clients`: with a delivery link for its first credential, or with the secret itself, or with neither. Refuses with
 * `scope.unknown`, `client.takes_no_secret`, `network.invalid`, `resource_server.unknown`.
 */
export const createClient: Operation<'clients', 'create'> = async (context, { body }) => {
  const { services } = context
  const { change, maker, notifier, issuer } = services
  const at = changeContext(context)
  const input = {
    name: body.name,
    scopes: body.scopes as Scope[],
    authentication: body.authentication,
    contactAddress: body.contact_address,
    tokenTtlSeconds: body.token_ttl_seconds,
    network: requestedNetwork(services.random, body.network),
  }
  const isAboutSecret = body.show_secret === true || body.secret_expires_in !== undefined
  if (isAboutSecret && !takesSecret(body.authentication ?? 'secret')) {
    const field = body.show_secret === true ? 'show_secret' : 'secret_expires_in'
    const message = `a client that authenticates by ${body.authentication} has no secret`
    return refuseChange('client.takes_no_secret', message, field)
  }
  if (body.show_secret === true) {
    const secretExpiresAt = momentIn(body.secret_expires_in, at.now)
    const created = await clients.createClient(change, maker, at, { ...input, secretExpiresAt })
    if (!created.ok) return created
    return done({ ...clientShape(created.value.client, at.now), client_secret: created.value.clientSecret })
  }
  if (body.link === false) {
    const created = await clients.createClientWithoutSecret(change, maker, at, input)
    return created.ok ? done(clientShape(created.value, at.now)) : created
  }
  const withLifetime = { ...input, secretLifetimeSeconds: body.secret_expires_in }
  const created = await createClientWithLink(change, maker, at, withLifetime, { issuer, notifier, byMail: true })
  if (!created.ok) return created
  const { id, ...link } = handedOutShape(created.value.handedOut)
  return done({
    ...clientShape(created.value.client, at.now),
    link_id: id,
    delivery_link: link.delivery_link,
    link_expires_at: link.expires_at,
    mailed_to: link.mailed_to,
  })
}

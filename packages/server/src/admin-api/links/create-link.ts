import type { NewDeliveryLink } from '@latchkey/admin-contract'
import type { ClientId } from '../../clients/client.ts'
import * as links from '../../delivery-links/create-link.ts'
import { formatCode } from '../../delivery-links/one-time-code.ts'
import { toSeconds } from '@latchkey/protocol'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'

/** `POST /clients/{client_id}/links`. Refuses with `client.unknown`, `client.is_resource_server`. */
export const createLink: Operation<'links', 'create'> = async (context, { params, body }) => {
  const { change, maker, notifier, issuer } = context.services
  const request = {
    clientId: params.client_id as ClientId,
    contactAddress: body?.contact_address,
    requestId: undefined,
    lifetimeSeconds: body?.expires_in,
    secretLifetimeSeconds: body?.secret_expires_in,
    secretName: body?.secret_name,
    withCode: body?.with_code ?? false,
  }
  const delivery = { issuer, notifier, byMail: body?.mail ?? true }
  const created = await links.createLink(change, maker, changeContext(context), request, delivery)
  return created.ok ? done(handedOutShape(created.value)) : created
}

/** The one answer that holds the link. */
export function handedOutShape({ link, deliveryLink, code, mailedTo }: links.HandedOutLink): NewDeliveryLink {
  return {
    id: link.id,
    delivery_link: deliveryLink,
    code: code === undefined ? undefined : formatCode(code),
    expires_at: toSeconds(link.expiresAt),
    mailed_to: mailedTo,
  }
}

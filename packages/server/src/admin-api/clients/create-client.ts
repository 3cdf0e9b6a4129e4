import type { Scope } from '@latchkey/protocol'
import * as clients from '../../clients/create-client.ts'
import { changeContext, type Operation } from '../operation.ts'
import { clientShape, momentIn } from '../shapes.ts'
import { done } from '../../kernel/result.ts'

/** `POST /clients`. Refuses with `scope.unknown`. */
export const createClient: Operation<'clients', 'create'> = async (context, { body }) => {
  const { change, maker } = context.services
  const at = changeContext(context)
  const created = await clients.createClient(change, maker, at, {
    name: body.name,
    scopes: body.scopes as Scope[],
    contactAddress: body.contact_address,
    tokenTtlSeconds: body.token_ttl_seconds,
    secretExpiresAt: momentIn(body.secret_expires_in, at.now),
  })
  if (!created.ok) return created
  return done({ ...clientShape(created.value.client), client_secret: created.value.clientSecret })
}

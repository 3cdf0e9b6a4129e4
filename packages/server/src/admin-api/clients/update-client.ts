import type { Scope } from '@latchkey/protocol'
import type { ClientId } from '../../clients/client.ts'
import * as clients from '../../clients/update-client.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { clientShape } from '../shapes.ts'

/** `PATCH /clients/{client_id}`. Refuses with `client.unknown`, `client.is_resource_server`, `scope.unknown`. */
export const updateClient: Operation<'clients', 'update'> = async (context, { params, body }) => {
  const updated = await clients.updateClient(
    context.services.change,
    changeContext(context),
    params.client_id as ClientId,
    {
      name: body.name,
      addScopes: body.add_scopes as Scope[] | undefined,
      removeScopes: body.remove_scopes as Scope[] | undefined,
      tokenTtlSeconds: body.token_ttl_seconds,
    },
  )
  return updated.ok ? done(clientShape(updated.value)) : updated
}

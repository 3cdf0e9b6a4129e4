import { done } from '../../kernel/result.ts'
import * as resourceServers from '../../resource-servers/update-resource-server.ts'
import { changeContext, type Operation } from '../operation.ts'
import { resourceServerShape } from '../shapes.ts'

/** `PATCH /resource-servers/{name}`. Refuses with `resource_server.unknown`, `.audience_taken`, `scope.unknown`, `scope.in_use`. */
export const updateResourceServer: Operation<'resourceServers', 'update'> = async (context, { params, body }) => {
  const { change } = context.services
  const updated = await resourceServers.updateResourceServer(change, changeContext(context), params.name, {
    audience: body.audience,
    setScopes: body.set_scopes,
    removeScopes: body.remove_scopes,
    exclusive: body.exclusive,
    tokenTtlSeconds: body.token_ttl_seconds,
    force: body.force,
  })
  return updated.ok ? done(resourceServerShape(updated.value)) : updated
}

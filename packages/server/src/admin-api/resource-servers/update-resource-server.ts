import { done } from '../../kernel/result.ts'
import * as resourceServers from '../../resource-servers/update-resource-server.ts'
import { atRevision, resourceServerRevision } from '../at-revision.ts'
import { changeContext, type Operation } from '../operation.ts'
import { resourceServerShape } from '../shapes.ts'
import { writtenRule } from './rule-shapes.ts'

/** `PATCH /resource-servers/{name}`. Refuses with `resource_server.unknown`, `.reserved`, `.audience_taken`, `scope.unknown`, `scope.in_use`, `rule.invalid`, `revision.stale`. */
export const updateResourceServer: Operation<'resourceServers', 'update'> = async (context, { params, body }) => {
  const change = atRevision(context.services.change, resourceServerRevision(params.name), body.revision)
  const updated = await resourceServers.updateResourceServer(change, changeContext(context), params.name, {
    audience: body.audience,
    setScopes: body.set_scopes,
    removeScopes: body.remove_scopes,
    exclusive: body.exclusive,
    tokenTtlSeconds: body.token_ttl_seconds,
    endpointRules: body.endpoint_rules?.map((rule) => writtenRule(rule)),
    force: body.force,
  })
  return updated.ok ? done(resourceServerShape(updated.value)) : updated
}

import { done } from '../../kernel/result.ts'
import * as resourceServers from '../../resource-servers/create-resource-server.ts'
import { changeContext, type Operation } from '../operation.ts'
import { resourceServerShape } from '../shapes.ts'
import { writtenRule } from './rule-shapes.ts'

/** `POST /resource-servers`. Refuses with `resource_server.name_taken`, `.audience_taken`, `.reserved`, `rule.invalid`, `scope.unknown`. */
export const createResourceServer: Operation<'resourceServers', 'create'> = async (context, { body }) => {
  const created = await resourceServers.createResourceServer(context.services.change, changeContext(context), {
    name: body.name,
    audience: body.audience,
    scopes: body.scopes,
    exclusive: body.exclusive ?? false,
    tokenTtlSeconds: body.token_ttl_seconds,
    endpointRules: body.endpoint_rules?.map((rule) => writtenRule(rule)),
  })
  return created.ok ? done(resourceServerShape(created.value)) : created
}

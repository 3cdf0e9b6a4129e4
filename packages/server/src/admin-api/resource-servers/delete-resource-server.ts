import { done } from '../../kernel/result.ts'
import * as resourceServers from '../../resource-servers/delete-resource-server.ts'
import { changeContext, type Operation } from '../operation.ts'

/** `DELETE /resource-servers/{name}`. Refuses with `resource_server.unknown`, `resource_server.in_use`. */
export const deleteResourceServer: Operation<'resourceServers', 'delete'> = async (context, { params, query }) => {
  const { change } = context.services
  const deleted = await resourceServers.deleteResourceServer(change, changeContext(context), params.name, {
    force: query?.force === 'true',
  })
  return deleted.ok ? done({}) : deleted
}

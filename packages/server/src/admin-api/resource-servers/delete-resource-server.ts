import { done } from '../../kernel/result.ts'
import * as resourceServers from '../../resource-servers/delete-resource-server.ts'
import { atRevision, resourceServerRevision } from '../at-revision.ts'
import { changeContext, type Operation } from '../operation.ts'

/** `DELETE /resource-servers/{name}`. Refuses with `resource_server.unknown`, `.reserved`, `.in_use`, `revision.stale`. */
export const deleteResourceServer: Operation<'resourceServers', 'delete'> = async (context, { params, query }) => {
  const change = atRevision(context.services.change, resourceServerRevision(params.name), query?.revision)
  const deleted = await resourceServers.deleteResourceServer(change, changeContext(context), params.name, {
    force: query?.force === 'true',
  })
  return deleted.ok ? done({}) : deleted
}

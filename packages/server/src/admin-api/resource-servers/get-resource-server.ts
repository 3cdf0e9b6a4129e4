import { refuseChange } from '../../kernel/refusal.ts'
import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { resourceServerShape } from '../shapes.ts'

/** `GET /resource-servers/{name}`. Refuses with `resource_server.unknown`. */
export const getResourceServer: Operation<'resourceServers', 'get'> = async ({ services }, { params }) => {
  const all = await services.resourceServers.all()
  const server = all.find((candidate) => candidate.name === params.name)
  if (server === undefined) {
    return refuseChange('resource_server.unknown', `there is no resource server ${params.name}`, 'name')
  }
  return done(resourceServerShape(server))
}

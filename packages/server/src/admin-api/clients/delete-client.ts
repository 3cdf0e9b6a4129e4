import type { ClientId } from '../../clients/client.ts'
import * as clients from '../../clients/update-client.ts'
import { done } from '../../kernel/result.ts'
import { atRevision, clientRevision } from '../at-revision.ts'
import { changeContext, type Operation } from '../operation.ts'

/** `DELETE /clients/{client_id}`. Refuses with `client.unknown`, `client.is_resource_server`, `revision.stale`. */
export const deleteClient: Operation<'clients', 'delete'> = async (context, { params, query }) => {
  const clientId = params.client_id as ClientId
  const change = atRevision(context.services.change, clientRevision(clientId), query?.revision)
  const deleted = await clients.deleteClient(change, changeContext(context), clientId)
  return deleted.ok ? done({}) : deleted
}

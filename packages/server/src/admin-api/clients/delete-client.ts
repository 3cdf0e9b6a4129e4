import type { ClientId } from '../../clients/client.ts'
import * as clients from '../../clients/update-client.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'

/** `DELETE /clients/{client_id}`. Refuses with `client.unknown`, `client.is_resource_server`. */
export const deleteClient: Operation<'clients', 'delete'> = async (context, { params }) => {
  const deleted = await clients.deleteClient(
    context.services.change,
    changeContext(context),
    params.client_id as ClientId,
  )
  return deleted.ok ? done({}) : deleted
}

import type { ClientId } from '../../clients/client.ts'
import { setClientState } from '../../clients/update-client.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { clientShape } from '../shapes.ts'

/** `POST /clients/{client_id}/disable`. Refuses with `client.unknown`, `client.is_resource_server`. */
export const disableClient: Operation<'clients', 'disable'> = async (context, { params }) => {
  const clientId = params.client_id as ClientId
  const changed = await setClientState(context.services.change, changeContext(context), clientId, 'disabled')
  return changed.ok ? done(clientShape(changed.value)) : changed
}

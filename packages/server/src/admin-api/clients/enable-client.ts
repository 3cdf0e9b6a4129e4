import type { ClientId } from '../../clients/client.ts'
import { setClientState } from '../../clients/update-client.ts'
import { done } from '../../kernel/result.ts'
import { atRevision, clientRevision } from '../at-revision.ts'
import { changeContext, type Operation } from '../operation.ts'
import { clientShape } from '../shapes.ts'

/** `POST /clients/{client_id}/enable`. Refuses with `client.unknown`, `client.is_resource_server`, `revision.stale`, `access.beyond_own`. */
export const enableClient: Operation<'clients', 'enable'> = async (context, { params, body }) => {
  const clientId = params.client_id as ClientId
  const change = atRevision(context.services.change, clientRevision(clientId), body?.revision)
  const changed = await setClientState(change, changeContext(context), clientId, 'enabled')
  return changed.ok ? done(clientShape(changed.value, context.services.clock.now())) : changed
}

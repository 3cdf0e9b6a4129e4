import type { ClientId } from '../../clients/client.ts'
import { registerKey } from '../../clients/register-key.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { registeredKeyShape } from '../shapes.ts'

/** `POST /clients/{client_id}/registered-keys`. Refuses with `client.unknown`, `client.is_resource_server`, `client.takes_no_own_certificate`, `certificate.unsuitable`. */
export const createRegisteredKey: Operation<'registeredKeys', 'create'> = async (context, { params, body }) => {
  const { change, maker } = context.services
  const clientId = params.client_id as ClientId
  const registered = await registerKey(change, maker, changeContext(context), clientId, body.certificate)
  return registered.ok ? done(registeredKeyShape(registered.value)) : registered
}

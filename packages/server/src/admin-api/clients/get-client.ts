import type { ClientId } from '../../clients/client.ts'
import { findClient } from '../../clients/update-client.ts'
import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { clientShape, registeredKeyShapes, registeredSubjectShapes, secretShapes } from '../shapes.ts'

/** `GET /clients/{client_id}`. Refuses with `client.unknown`, `client.is_resource_server`. */
export const getClient: Operation<'clients', 'get'> = async ({ services }, { params }) => {
  const found = await findClient(services.clients, params.client_id as ClientId)
  if (!found.ok) return found
  const { client, credentials } = found.value
  const now = services.clock.now()
  return done({
    ...clientShape(client, now),
    secrets: secretShapes(credentials, now),
    registered_keys: registeredKeyShapes(credentials),
    registered_subjects: registeredSubjectShapes(found.value),
  })
}

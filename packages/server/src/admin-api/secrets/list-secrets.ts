import type { ClientId } from '../../clients/client.ts'
import { refuseChange } from '../../kernel/refusal.ts'
import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { secretShapes } from '../shapes.ts'

/** `GET /clients/{client_id}/secrets`; also for a resource server's client_id. Refuses with `client.unknown`. */
export const listSecrets: Operation<'secrets', 'list'> = async ({ services }, { params }) => {
  const record = await services.clients.find(params.client_id as ClientId)
  if (record === undefined) return refuseChange('client.unknown', `there is no client ${params.client_id}`, 'client_id')
  return done({ items: secretShapes(record.credentials, services.clock.now()) })
}

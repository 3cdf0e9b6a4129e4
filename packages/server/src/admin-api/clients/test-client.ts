import type { ClientId } from '../../clients/client.ts'
import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'

/** `POST /clients/{client_id}/test`: what a token request would come to. Refuses with `client.unknown`, `client.is_resource_server`. */
export const testClient: Operation<'clients', 'test'> = async ({ services }, { params, body }) => {
  const preview = await services.tokens.preview({
    clientId: params.client_id as ClientId,
    scope: body?.scope,
    resources: body?.resource,
  })
  if (!preview.ok) return preview
  if (!preview.value.granted) return done(preview.value)
  const { scopes, audience, expiresInSeconds } = preview.value
  return done({ granted: true, scopes: [...scopes], audience: [...audience], expires_in: expiresInSeconds })
}

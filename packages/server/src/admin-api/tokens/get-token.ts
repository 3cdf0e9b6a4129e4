import type { ClientId } from '../../clients/client.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'

/** `POST /tokens/get`. Refuses with `client.unknown`, `client.is_resource_server`, `token.denied`, `access.beyond_own`. */
export const getToken: Operation<'tokens', 'get'> = async (context, { body }) => {
  const issued = await context.services.tokens.issueLocally(changeContext(context), context.authority, {
    clientId: body.client_id as ClientId,
    scope: body.scope,
    resources: body.resource,
  })
  if (!issued.ok) return issued
  const { accessToken, expiresInSeconds, scope } = issued.value
  return done({ access_token: accessToken, token_type: 'Bearer', expires_in: expiresInSeconds, scope })
}

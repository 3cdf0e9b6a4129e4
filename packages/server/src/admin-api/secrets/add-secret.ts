import type { ClientId } from '../../clients/client.ts'
import type { CredentialId } from '../../clients/credential.ts'
import * as secrets from '../../clients/manage-secrets.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { momentIn, optionalSeconds } from '../shapes.ts'

/** `POST /clients/{client_id}/secrets`. Refuses with `client.unknown`, `credential.unknown`. */
export const addSecret: Operation<'secrets', 'add'> = async (context, { params, body }) => {
  const { change, maker } = context.services
  const at = changeContext(context)
  const added = await secrets.addSecret(change, maker, at, params.client_id as ClientId, {
    name: body?.name ?? 'secret',
    expiresAt: momentIn(body?.expires_in, at.now),
    replaces: body?.replaces as CredentialId | undefined,
  })
  if (!added.ok) return added
  const { clientSecret, credential } = added.value
  return done({ id: credential.id, client_secret: clientSecret, expires_at: optionalSeconds(credential.expiresAt) })
}

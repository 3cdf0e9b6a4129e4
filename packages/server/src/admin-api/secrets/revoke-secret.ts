import type { CredentialId } from '../../clients/credential.ts'
import * as secrets from '../../clients/manage-secrets.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'

/** `POST /secrets/{id}/revoke`. Refuses with `credential.unknown`, `credential.not_a_secret`. */
export const revokeSecret: Operation<'secrets', 'revoke'> = async (context, { params, body }) => {
  const id = params.id as CredentialId
  const revoked = await secrets.revokeSecret(context.services.change, changeContext(context), id, {
    compromised: body?.compromised ?? false,
  })
  return revoked.ok ? done({ revoked: revoked.value.map((credential) => credential.id) }) : revoked
}

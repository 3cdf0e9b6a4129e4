import type { CredentialId } from '../../clients/credential.ts'
import * as keys from '../../clients/register-key.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { registeredKeyShape } from '../shapes.ts'

/** `POST /registered-keys/{id}/revoke`. Refuses with `credential.unknown`. */
export const revokeRegisteredKey: Operation<'registeredKeys', 'revoke'> = async (context, { params }) => {
  const id = params.id as CredentialId
  const revoked = await keys.revokeRegisteredKey(context.services.change, changeContext(context), id)
  return revoked.ok ? done(registeredKeyShape(revoked.value)) : revoked
}

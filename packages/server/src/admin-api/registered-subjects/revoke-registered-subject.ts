import type { CredentialId } from '../../clients/credential.ts'
import * as subjects from '../../foreign-authorities/register-subject.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { registeredSubjectShape } from '../shapes.ts'

/** `POST /registered-subjects/{id}/revoke`. Refuses with `credential.unknown`. */
export const revokeRegisteredSubject: Operation<'registeredSubjects', 'revoke'> = async (context, { params }) => {
  const id = params.id as CredentialId
  const revoked = await subjects.revokeRegisteredSubject(context.services.change, changeContext(context), id)
  return revoked.ok ? done(registeredSubjectShape(revoked.value.registered, revoked.value.credential)) : revoked
}

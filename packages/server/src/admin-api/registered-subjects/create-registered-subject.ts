import type { ClientId } from '../../clients/client.ts'
import { registerSubject } from '../../foreign-authorities/register-subject.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { registeredSubjectShape } from '../shapes.ts'

/**
 * `POST /clients/{client_id}/registered-subjects`. Refuses with `client.unknown`, `client.is_resource_server`, `client.takes_no_foreign_certificate`,
 * `client.has_another_subject`, `subject.invalid`, `certificate.unsuitable`.
 */
export const createRegisteredSubject: Operation<'registeredSubjects', 'create'> = async (context, { params, body }) => {
  const { change, maker } = context.services
  const made = await registerSubject(change, maker, changeContext(context), params.client_id as ClientId, body)
  return made.ok ? done(registeredSubjectShape(made.value.registered, made.value.credential)) : made
}

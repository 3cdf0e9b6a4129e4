import type { AccessRequestForm } from '@latchkey/portal-contract'
import { parseKeyedLink } from '@latchkey/protocol'
import type { ChangeContext } from '../audit/change.ts'
import { checkForm } from './check-form.ts'
import type { RequestDesk } from './desk.ts'
import { confirmRequest } from './requester-acts.ts'
import type { AccessRequest } from './request.ts'
import { keepRequest } from './submit-request.ts'

/** A request as it is once its contact has confirmed the address, for `dev`: nobody is written to. Undefined when its scopes are not there. */
export async function makeSampleRequest(
  desk: RequestDesk,
  context: ChangeContext,
  form: AccessRequestForm,
): Promise<AccessRequest | undefined> {
  const checked = await checkForm(form, desk, context.now)
  if (!checked.ok) return undefined
  const { request, statusLink } = await desk.intake((tx) =>
    keepRequest(tx, desk, checked.value, undefined, context.now),
  )
  const { key = '' } = parseKeyedLink('accessRequests', statusLink) ?? {}
  const confirmed = await confirmRequest(desk, context, request.id, key)
  return confirmed.ok ? confirmed.value : undefined
}

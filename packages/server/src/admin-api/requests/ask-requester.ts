import type { AccessRequestId } from '../../access-requests/request.ts'
import * as requests from '../../access-requests/team-acts.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { deskOf } from './desk-of.ts'
import { requestRecord } from './request-record.ts'

/** `POST /requests/{id}/ask`. Refuses with `request.unknown`, `request.decided`, `request.expired`, `revision.stale`. */
export const askRequester: Operation<'requests', 'ask'> = async (context, { params, body }) => {
  const { services } = context
  const reviewed = { id: params.id as AccessRequestId, revision: body.revision }
  const asked = await requests.askRequester(deskOf(services), changeContext(context), reviewed, body.message)
  return asked.ok ? done(await requestRecord(services, asked.value)) : asked
}

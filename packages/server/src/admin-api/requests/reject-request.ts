import type { AccessRequestId } from '../../access-requests/request.ts'
import * as requests from '../../access-requests/team-acts.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { deskOf } from './desk-of.ts'
import { requestRecord } from './request-record.ts'

/** `POST /requests/{id}/reject`. Refuses with `request.unknown`, `request.decided`, `request.expired`, `revision.stale`. */
export const rejectRequest: Operation<'requests', 'reject'> = async (context, { params, body }) => {
  const { services } = context
  const reviewed = { id: params.id as AccessRequestId, revision: body.revision }
  const rejected = await requests.rejectRequest(deskOf(services), changeContext(context), reviewed, body.reason)
  return rejected.ok ? done(await requestRecord(services, rejected.value)) : rejected
}

import type { AccessRequestId } from '../../access-requests/request.ts'
import { refuseChange } from '../../kernel/refusal.ts'
import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { requestRecord } from './request-record.ts'

/** `GET /requests/{id}`. Refuses with `request.unknown`, also for one whose contact has not confirmed the address. */
export const getRequest: Operation<'requests', 'get'> = async ({ services }, { params }) => {
  const request = await services.requests.reads.find(params.id as AccessRequestId)
  if (request?.submittedAt === undefined) {
    return refuseChange('request.unknown', `there is no access request ${params.id}`, 'id')
  }
  return done(await requestRecord(services, request))
}

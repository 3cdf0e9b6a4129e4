import { toSeconds, type EpochMs, type Scope } from '@latchkey/protocol'
import * as requests from '../../access-requests/approve-request.ts'
import type { AccessRequestId } from '../../access-requests/request.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { deskOf } from './desk-of.ts'
import { networkChangeOf } from '../requested-network.ts'
import { requestRecord } from './request-record.ts'

/**
 * `POST /requests/{id}/approve`. Refuses with `request.unknown`, `request.decided`, `request.expired`, `request.not_an_approver`,
 * `request.authentication_unavailable`, `request.addresses_undecided`, `network.invalid`, `network.no_policy`, `resource_server.unknown`, `revision.stale`,
 * `scope.unknown`, `client.unknown`.
 */
export const approveRequest: Operation<'requests', 'approve'> = async (context, { params, body }) => {
  const { services } = context
  const approved = await requests.approveRequest(deskOf(services), changeContext(context), {
    id: params.id as AccessRequestId,
    revision: body.revision,
    scopes: body.scopes?.map(({ scope, ends_at: end }) => ({
      scope: scope as Scope,
      endsAt: end === undefined ? undefined : ((end * 1000) as EpochMs),
    })),
    reason: body.reason,
    authentication: body.authentication,
    network: body.network === null ? 'left-out' : body.network && networkChangeOf(body.network),
  })
  if (!approved.ok) return approved
  const { request, waitingFor, handedOut } = approved.value
  const showsLink = handedOut !== undefined && (handedOut.mailedTo === undefined || body.show_link === true)
  return done({
    request: await requestRecord(services, request, handedOut?.link),
    waiting_for: waitingFor,
    delivery_link: showsLink ? handedOut.deliveryLink : undefined,
    link_expires_at: handedOut && toSeconds(handedOut.link.expiresAt),
    mailed_to: handedOut?.mailedTo,
  })
}

import type { AccessRequestStatus } from '@latchkey/portal-contract'
import { toSeconds, type EpochMs } from '@latchkey/protocol'
import { askableScope } from '../../access-requests/check-form.ts'
import { requestState } from '../../access-requests/request-state.ts'
import type { AccessRequest } from '../../access-requests/request.ts'
import { linkState } from '../../delivery-links/link-state.ts'
import type { DeliveryLink } from '../../delivery-links/link.ts'
import type { Catalogue } from '../../resource-servers/catalogue.ts'

/** A request as its requester sees it: neither who decided nor who said what on the team. */
export function requestShape(
  request: AccessRequest,
  link: DeliveryLink | undefined,
  catalogue: Catalogue,
  now: EpochMs,
  keyFingerprint: string | undefined,
): AccessRequestStatus {
  const { id, revision, form, messages, submittedAt, decision } = request
  const state = requestState(request, now)
  const waits = state === 'unconfirmed' || state === 'submitted' || state === 'changes_requested'
  return {
    id,
    state,
    revision,
    form,
    scopes: form.scopes.map(({ scope, why }) => {
      const approved = decision?.approved.find((one) => one.scope === scope)
      return {
        scope,
        description: askableScope(catalogue, scope)?.description ?? '',
        ...(why === undefined ? {} : { why }),
        decision: approved !== undefined ? 'approved' : decision === undefined ? 'pending' : 'refused',
        ...(approved?.endsAt === undefined ? {} : { ends_at: toSeconds(approved.endsAt) }),
      }
    }),
    ...(keyFingerprint === undefined ? {} : { key_fingerprint: keyFingerprint }),
    messages: messages.map(({ at, from, text }) => ({ at: toSeconds(at), from, text })),
    ...(submittedAt === undefined ? {} : { submitted_at: toSeconds(submittedAt) }),
    ...(decision === undefined ? {} : { decided_at: toSeconds(decision.at) }),
    ...(decision?.reason === undefined ? {} : { reason: decision.reason }),
    ...(waits ? { expires_at: toSeconds(request.expiresAt) } : {}),
    ...(decision?.clientId === undefined ? {} : { client_id: decision.clientId }),
    ...(link === undefined ? {} : { delivery: linkState(link, now) }),
  }
}

import type { ProblemReason } from '@latchkey/admin-contract'
import { changeRefusals, type ChangeRefusalReason } from '../kernel/refusal.ts'

export interface ProblemKind {
  readonly status: number
  /** The same for every occurrence (RFC 9457 §3.1.3). */
  readonly title: string
}

/** What a refusal is at the HTTP edge: 403 the caller may not, 404 what the path or body names does not exist, 409 it stands in the way of another, 422 otherwise. */
const refusalStatuses: Readonly<Record<ChangeRefusalReason, 403 | 404 | 409 | 422>> = {
  'client.unknown': 404,
  'client.is_resource_server': 422,
  'client.disabled': 409,
  'client.takes_no_secret': 422,
  'client.takes_no_own_certificate': 422,
  'client.takes_no_foreign_certificate': 422,
  'client.has_another_subject': 409,
  'client.reserved': 409,
  'credential.unknown': 404,
  'credential.not_a_secret': 422,
  'link.unknown': 404,
  'link.delivered': 409,
  'request.unknown': 404,
  'request.decided': 409,
  'request.expired': 409,
  'request.not_an_approver': 403,
  'request.authentication_unavailable': 422,
  'request.addresses_undecided': 422,
  'invitation.unknown': 404,
  'authority.unsuitable': 422,
  'authority.not_requested': 409,
  'authority.not_ours': 409,
  'certificate.unknown': 404,
  'certificate.ended': 409,
  'certificate.too_early': 409,
  'certificate.renewed': 409,
  'certificate.unsuitable': 422,
  'certificate.csr_invalid': 422,
  'subject.invalid': 422,
  'resource_server.unknown': 404,
  'resource_server.name_taken': 409,
  'resource_server.audience_taken': 409,
  'resource_server.in_use': 409,
  'resource_server.reserved': 409,
  'rule.invalid': 422,
  'scope.unknown': 422,
  'scope.in_use': 409,
  'network.invalid': 422,
  'network.no_policy': 422,
  'declaration.impossible': 422,
  'declaration.stale': 409,
  'key.unknown': 404,
  'token.not_ours': 422,
  'token.expired': 422,
  'token.denied': 422,
  'revision.stale': 409,
  'access.beyond_own': 403,
}

const edgeKinds: Readonly<Record<Exclude<ProblemReason, ChangeRefusalReason>, ProblemKind>> = {
  'request.invalid': { status: 400, title: 'The request has fields that are missing, unknown or wrong.' },
  'request.malformed': { status: 400, title: 'The request cannot be read.' },
  'request.too_large': { status: 413, title: 'The request is too large.' },
  'request.unsupported_media_type': { status: 415, title: 'The body is not application/json.' },
  'route.unknown': { status: 404, title: 'There is no such path.' },
  'route.method_not_allowed': { status: 405, title: 'The path does not take this method.' },
  'request.host_not_allowed': { status: 403, title: 'The Host header names none of the hosts of this listener.' },
  'request.origin_not_allowed': { status: 403, title: 'A page of another origin sends this request.' },
  'access.token_missing': { status: 401, title: 'The request carries no access token.' },
  'access.token_invalid': { status: 401, title: 'The access token is not in force here.' },
  'access.address_not_allowed': {
    status: 403,
    title: 'The client of the access token may not call from this address.',
  },
  'access.scope_missing': { status: 403, title: 'The access token lacks the scope of this operation.' },
  'idempotency.mismatch': { status: 422, title: 'The Idempotency-Key was used for another request.' },
  'store.unavailable': { status: 503, title: 'The store cannot be reached.' },
  'audit.unwritable': { status: 503, title: 'The audit log cannot be written.' },
  'server.fault': { status: 500, title: 'Something is wrong inside the server.' },
}

/** Every reason that the admin API can answer with, with its status and title. The only table of them. */
export function problemKind(reason: ProblemReason): ProblemKind {
  return isRefusal(reason) ? { status: refusalStatuses[reason], title: changeRefusals[reason] } : edgeKinds[reason]
}

function isRefusal(reason: ProblemReason): reason is ChangeRefusalReason {
  return Object.hasOwn(refusalStatuses, reason)
}

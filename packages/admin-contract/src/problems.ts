import { z } from 'zod'

/** Why a change was refused: the request was understood, and the registry says no. */
export const refusalReasons = [
  'client.unknown',
  'client.is_resource_server',
  'client.disabled',
  'client.takes_no_secret',
  'client.takes_no_own_certificate',
  'client.takes_no_foreign_certificate',
  'client.has_another_subject',
  'client.reserved',
  'credential.unknown',
  'credential.not_a_secret',
  'link.unknown',
  'link.delivered',
  'request.unknown',
  'request.decided',
  'request.expired',
  'request.not_an_approver',
  'request.addresses_undecided',
  'request.authentication_unavailable',
  'invitation.unknown',
  'authority.unsuitable',
  'authority.not_requested',
  'authority.not_ours',
  'certificate.unknown',
  'certificate.ended',
  'certificate.too_early',
  'certificate.renewed',
  'certificate.unsuitable',
  'certificate.csr_invalid',
  'subject.invalid',
  'resource_server.unknown',
  'resource_server.name_taken',
  'resource_server.audience_taken',
  'resource_server.in_use',
  'resource_server.reserved',
  'rule.invalid',
  'scope.unknown',
  'scope.in_use',
  'network.invalid',
  'network.no_policy',
  'declaration.impossible',
  'declaration.stale',
  'key.unknown',
  'token.not_ours',
  'token.expired',
  'token.denied',
  'revision.stale',
  'access.beyond_own',
] as const

/** Why a request did not get as far as a decision. */
export const edgeReasons = [
  'request.invalid',
  'request.malformed',
  'request.too_large',
  'request.unsupported_media_type',
  'route.unknown',
  'route.method_not_allowed',
  'request.host_not_allowed',
  'request.origin_not_allowed',
  'access.token_missing',
  'access.token_invalid',
  'access.address_not_allowed',
  'access.scope_missing',
  'idempotency.mismatch',
  'store.unavailable',
  'audit.unwritable',
  'server.fault',
] as const

export type RefusalReason = (typeof refusalReasons)[number]
export type EdgeReason = (typeof edgeReasons)[number]
export type ProblemReason = RefusalReason | EdgeReason

/** One fault in a request. */
export const fieldError = z.strictObject({
  in: z.enum(['path', 'query', 'body', 'header']),
  /** Dotted path within that part, for example `scopes.0.name`; empty for the whole part. */
  field: z.string(),
  message: z.string(),
})

const problemData = {
  reason: z.enum([...refusalReasons, ...edgeReasons]),
  /** The input field that it is about: a dotted path, where there is one. */
  field: z.string().optional(),
  /** Set for `request.invalid`: everything that was wrong, the first 20. */
  errors: z.array(fieldError).optional(),
  /** Set for `revision.stale`: the revision that there is now. */
  revision: z.int().optional(),
  request_id: z.string(),
}

/** Every answer but a success: a problem document (RFC 9457), `application/problem+json`. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    ...problemData,
  })
  .meta({
    examples: [
      {
        type: 'urn:latchkey:problem:revision.stale',
        title: 'It was changed since it was read.',
        status: 409,
        detail: 'it has revision 4 now, not 3: read it again',
        reason: 'revision.stale',
        field: 'revision',
        revision: 4,
        request_id: '01kb5w5c8r0123456789abcdef',
      },
    ],
  })

/** What a typed error carries: a problem document without the members that an error has anyway. */
export const problemErrorData = z.object(problemData)

export type Problem = z.infer<typeof problem>
export type ProblemErrorData = z.infer<typeof problemErrorData>
export type FieldError = z.infer<typeof fieldError>

/** The typed errors of every operation, by oRPC's code. */
export const operationErrors = {
  BAD_REQUEST: { status: 400, data: problemErrorData },
  UNAUTHORIZED: { status: 401, data: problemErrorData },
  FORBIDDEN: { status: 403, data: problemErrorData },
  NOT_FOUND: { status: 404, data: problemErrorData },
  METHOD_NOT_SUPPORTED: { status: 405, data: problemErrorData },
  CONFLICT: { status: 409, data: problemErrorData },
  PAYLOAD_TOO_LARGE: { status: 413, data: problemErrorData },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, data: problemErrorData },
  UNPROCESSABLE_CONTENT: { status: 422, data: problemErrorData },
  INTERNAL_SERVER_ERROR: { status: 500, data: problemErrorData },
  SERVICE_UNAVAILABLE: { status: 503, data: problemErrorData },
} as const

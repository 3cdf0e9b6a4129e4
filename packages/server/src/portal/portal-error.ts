import { portalProblems, type PortalProblem, type PortalReason } from '@latchkey/portal-contract'

/** What a problem says beyond its kind. */
export interface PortalErrorOptions {
  /** About this occurrence, for the person before the page. */
  readonly detail: string
  /** Dotted paths into the body. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[] | undefined
  readonly revision?: number | undefined
  /** Seconds; also sent as `Retry-After` (RFC 9110 §10.2.3). */
  readonly retryAfter?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** A problem on its way from where it was noticed to the answer. Thrown only within the portal. */
export class PortalError extends Error {
  readonly reason: PortalReason
  readonly options: PortalErrorOptions

  constructor(reason: PortalReason, options: PortalErrorOptions) {
    super(options.detail)
    this.name = 'PortalError'
    this.reason = reason
    this.options = options
  }
}

/** The problem document (RFC 9457). `type` is a name, not an address. */
export function portalDocument({ reason, options }: PortalError, requestId: string): PortalProblem {
  const { status, title } = portalProblems[reason]
  const { detail, errors, revision, retryAfter } = options
  return {
    type: `urn:latchkey:problem:${reason}`,
    title,
    status,
    detail,
    reason,
    ...(errors === undefined ? {} : { errors: errors.slice(0, maxErrors) }),
    revision,
    retry_after: retryAfter,
    request_id: requestId,
  }
}

const maxErrors = 20

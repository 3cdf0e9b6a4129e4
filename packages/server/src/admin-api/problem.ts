import type { FieldError, Problem, ProblemReason } from '@latchkey/admin-contract'
import type { ChangeRefusal } from '../kernel/refusal.ts'
import { problemKind } from './problem-kinds.ts'

export const problemMediaType = 'application/problem+json'

/** What a problem says beyond its kind. */
export interface ProblemOptions {
  /** About this occurrence. */
  readonly detail: string
  readonly field?: string | undefined
  readonly errors?: FieldError[] | undefined
  readonly revision?: number | undefined
  /** Answer headers that belong to it, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** A problem on its way from where it was noticed to the answer. Thrown only within the HTTP edge of the admin API. */
export class ProblemError extends Error {
  readonly reason: ProblemReason
  readonly options: ProblemOptions

  constructor(reason: ProblemReason, options: ProblemOptions) {
    super(options.detail)
    this.name = 'ProblemError'
    this.reason = reason
    this.options = options
  }
}

export function refusalProblem(refusal: ChangeRefusal): ProblemError {
  const { message, field, revision } = refusal
  return new ProblemError(refusal.reason, { detail: message, field, revision })
}

/** The problem document (RFC 9457). `type` is a name, not an address: `docs/errors.md` lists them. */
export function problemDocument({ reason, options }: ProblemError, requestId: string): Problem {
  const { status, title } = problemKind(reason)
  const { detail, field, errors, revision } = options
  const type = `urn:latchkey:problem:${reason}`
  return { type, title, status, detail, reason, field, errors, revision, request_id: requestId }
}

import { ORPCError } from '@orpc/server'
import { UnreadableBody } from '../http/read-json.ts'
import { describeError, Fault } from '../kernel/faults.ts'
import { UnreadableCursor } from '../kernel/unreadable-cursor.ts'
import { invalidRequest, type ValidationIssue } from './invalid-request.ts'
import { ProblemError } from './problem.ts'

/** Seconds after which a caller may try again when something behind the server is away. */
const retryAfterSeconds = 5

/**
 * Turns whatever was thrown while a request was handled into the problem to answer with. What is not known becomes `server.fault`, which says
 * nothing of the inside; the caller logs the original.
 */
export function describeFailure(failure: unknown): ProblemError {
  if (failure instanceof ProblemError) return failure
  if (failure instanceof Fault) return describeFault(failure)
  if (failure instanceof UnreadableBody) return describeUnreadable(failure)
  if (failure instanceof UnreadableCursor)
    return invalidRequest([{ path: ['query', 'cursor'], message: failure.message }])
  if (failure instanceof ORPCError) {
    const issues = failure.code === 'BAD_REQUEST' ? issuesOf(failure.data) : undefined
    return issues === undefined ? serverFault() : invalidRequest(issues)
  }
  return describeHttpFailure(failure) ?? serverFault()
}

function describeFault(fault: Fault): ProblemError {
  if (fault.code !== 'store.unavailable' && fault.code !== 'audit.unwritable') return serverFault()
  return new ProblemError(fault.code, {
    detail: `${describeError(fault)}; ${fault.remedy}`,
    headers: { 'retry-after': String(retryAfterSeconds) },
  })
}

function describeUnreadable({ message: detail, field }: UnreadableBody): ProblemError {
  if (field === undefined) return new ProblemError('request.malformed', { detail })
  const errors = [{ in: 'body' as const, field, message: 'stands twice in one object' }]
  return new ProblemError('request.malformed', { detail, field, errors })
}

/** Fastify's own refusals. Their messages can quote the request, so that none is passed on. */
function describeHttpFailure(failure: unknown): ProblemError | undefined {
  if (!(failure instanceof Error) || !('statusCode' in failure) || typeof failure.statusCode !== 'number')
    return undefined
  const { statusCode } = failure
  if (statusCode === 413)
    return new ProblemError('request.too_large', {
      detail: 'the body may have 256 KiB at most, a declaration 8 MiB',
    })
  if (statusCode === 415) {
    return new ProblemError('request.unsupported_media_type', { detail: 'send the body as application/json' })
  }
  const isEmpty = 'code' in failure && failure.code === 'FST_ERR_CTP_EMPTY_JSON_BODY'
  if (isEmpty) return new ProblemError('request.malformed', { detail: 'the body is empty, and JSON was announced' })
  if (statusCode < 400 || statusCode > 499) return undefined
  return new ProblemError('request.malformed', {
    detail: 'the body or the path cannot be read: expected JSON in UTF-8',
  })
}

function issuesOf(data: unknown): readonly ValidationIssue[] | undefined {
  if (typeof data !== 'object' || data === null || !('issues' in data) || !Array.isArray(data.issues)) return undefined
  return data.issues as readonly ValidationIssue[]
}

function serverFault(): ProblemError {
  return new ProblemError('server.fault', { detail: 'the server log says more under this request id' })
}

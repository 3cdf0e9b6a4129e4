import { UnreadableBody } from '../http/read-json.ts'
import { Fault } from '../kernel/faults.ts'
import { PortalError } from './portal-error.ts'

/** Seconds after which a visitor may try again when something behind the server is away. */
const retryAfter = 5

/** Turns whatever was thrown into the problem to answer with. What is not known says nothing of the inside; the caller logs the original. */
export function describeFailure(failure: unknown): PortalError {
  if (failure instanceof PortalError) return failure
  if (failure instanceof Fault && (failure.code === 'store.unavailable' || failure.code === 'audit.unwritable')) {
    return new PortalError('store.unavailable', {
      detail: 'nothing was changed: please try again in a moment',
      retryAfter,
    })
  }
  if (failure instanceof UnreadableBody) return invalid(failure.message, failure.field)
  if (!(failure instanceof Error) || !('statusCode' in failure) || typeof failure.statusCode !== 'number')
    return fault()
  // Fastify's own refusals: their messages can quote the request, so that none is passed on.
  if (failure.statusCode === 413) return new PortalError('request.too_large', { detail: 'a request may have 64 KiB' })
  if (failure.statusCode === 415) {
    return new PortalError('request.unsupported_media_type', { detail: 'send the body as application/json' })
  }
  return failure.statusCode >= 400 && failure.statusCode < 500
    ? invalid('the body or the path cannot be read: expected JSON in UTF-8')
    : fault()
}

function invalid(detail: string, field?: string): PortalError {
  return new PortalError('request.invalid', {
    detail,
    errors: field === undefined ? undefined : [{ field, message: detail }],
  })
}

function fault(): PortalError {
  return new PortalError('server.fault', { detail: 'the server log says more under this request id' })
}

import { UnreadableBody } from '../http/read-json.ts'
import { Fault, OutcomeUnknown } from '../kernel/faults.ts'
import { PortalError } from './portal-error.ts'

/** Seconds after which a visitor may try again when something behind the server is away. */
const retryAfter = 5

/** What was done stands, although the answer that shows it cannot be made: whoever asked must not take it for undone. */
export async function shownAfterwards<Document>(shown: Promise<Document>): Promise<Document> {
  try {
    return await shown
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const detail = 'it is done, but cannot be shown for now: please look again in a moment'
    // The log names the cause.
    throw Object.assign(new PortalError('store.unavailable', { detail, retryAfter }), { cause: error })
  }
}

/** Turns whatever was thrown into the problem to answer with. What is not known says nothing of the inside; the caller logs the original. */
export function describeFailure(failure: unknown): PortalError {
  if (failure instanceof PortalError) return failure
  if (failure instanceof OutcomeUnknown) {
    // A claim that is tried again may find the link claimed: nobody else has to have been there.
    const detail =
      'whether it was done is not known: please look again in a moment; if it shows as done, that may have been you'
    return new PortalError('store.unavailable', { detail, retryAfter })
  }
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

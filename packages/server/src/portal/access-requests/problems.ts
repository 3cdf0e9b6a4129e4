import type { FormProblem } from '../../access-requests/form-problem.ts'
import type { RequesterRefusal } from '../../access-requests/requester-acts.ts'
import type { SubmitRefusal } from '../../access-requests/submit-request.ts'
import { PortalError } from '../portal-error.ts'

/** A refusal as the person before the form is told. */
export function submitProblem(refusal: SubmitRefusal): PortalError {
  switch (refusal.reason) {
    case 'form':
      return formProblem(refusal.problems)
    case 'limit.mail':
      return new PortalError('limit.mail', {
        detail:
          'enough messages went to this address, or its domain, for now: look for one of them, also in the folder for spam, or ask again later',
        retryAfter: refusal.retryAfterSeconds,
      })
    case 'limit.queue':
      return new PortalError('limit.queue', { detail: 'nothing was kept: please ask again later', retryAfter: 3600 })
    case 'portal.invitation_needed':
      return new PortalError('portal.invitation_needed', {
        detail:
          'open the invitation link that the team gave you; it may have ended, or been used: then ask for another',
      })
    default:
      return new PortalError('portal.closed', { detail: 'ask the team of this server how it gives access' })
  }
}

export function requesterProblem(refusal: RequesterRefusal): PortalError {
  switch (refusal.reason) {
    case 'form':
      return formProblem(refusal.problems)
    case 'request.stale':
      return new PortalError('request.stale', {
        detail: `it has revision ${refusal.revision} now: look at it again before you change it`,
        revision: refusal.revision,
      })
    case 'request.wrong_state':
      return new PortalError('request.wrong_state', { detail: 'it was decided, withdrawn or has expired meanwhile' })
    case 'request.too_long':
      return new PortalError('request.wrong_state', {
        detail: 'it has been changed too often: withdraw it and begin a new one',
      })
    case 'request.nothing': {
      const message = 'write a message, or change something'
      return new PortalError('request.invalid', { detail: message, errors: [{ field: 'message', message }] })
    }
    default:
      return new PortalError('request.unknown', {
        detail:
          'check that the link was copied whole, with everything behind the #; unconfirmed requests are forgotten after 24 hours',
      })
  }
}

function formProblem(problems: readonly FormProblem[]): PortalError {
  const errors = problems.map(({ field, message }) => ({ field, message }))
  const isUnknownScope = problems.every(({ reason }) => reason === 'scope.unknown')
  const [first] = errors
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  const detail = first === undefined ? 'the form cannot be taken' : `${first.field}: ${first.message}${more}`
  return new PortalError(isUnknownScope ? 'scope.unknown' : 'request.invalid', { detail, errors })
}

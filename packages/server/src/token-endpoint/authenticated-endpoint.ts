import type { HttpRequest, HttpResponse } from '../http/exchange.ts'
import { readForm, type Form } from '../http/form.ts'
import { Fault } from '../kernel/faults.ts'
import type { AuthenticatedClient } from './authenticate/authenticated-client.ts'
import { authenticateClient, type AuthenticationContext } from './authenticate/authenticate-client.ts'
import { claimedClientId } from './authenticate/presented-credentials.ts'
import type { OutcomeLog } from './group-commit.ts'
import type { RefusalReason } from './refusals.ts'
import { respondRefusal } from './respond.ts'

/** What the endpoints beside the token endpoint stand on. */
export interface AuthenticatedEndpointContext extends AuthenticationContext {
  readonly log: OutcomeLog
}

const noForm: Form = new Map()

/**
 * The frame of an endpoint that takes a `token` from an authenticated caller: reads the form, authenticates, records refusals under `event`.
 * A fault of the store becomes 503, never an answer about the token.
 */
export async function answerAuthenticated(
  context: AuthenticatedEndpointContext,
  request: HttpRequest,
  event: 'introspection.denied' | 'revocation.denied',
  answer: (caller: AuthenticatedClient, token: string) => Promise<HttpResponse | RefusalReason>,
): Promise<HttpResponse> {
  const form = readForm(request)
  if (!form.ok) return refuse(context, request, noForm, event, form.refusal)
  const { parameters } = form.value
  try {
    const authenticated = await authenticateClient(context, request, parameters)
    if (!authenticated.ok) return await refuse(context, request, parameters, event, authenticated.refusal)
    // (REQUIRED) RFC 7662 §2.1, RFC 7009 §2.1
    const token = parameters.get('token')
    const result = token === undefined ? 'request.token_missing' : await answer(authenticated.value, token)
    return typeof result === 'string'
      ? await refuse(context, request, parameters, event, result, authenticated.value)
      : result
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return refuse(context, request, parameters, event, 'unavailable.store')
  }
}

async function refuse(
  context: AuthenticatedEndpointContext,
  request: HttpRequest,
  form: Form,
  event: 'introspection.denied' | 'revocation.denied',
  reason: RefusalReason,
  caller?: AuthenticatedClient,
): Promise<HttpResponse> {
  const clientId = caller?.client.clientId ?? claimedClientId(request, form)
  const authenticated = caller !== undefined
  if (context.log.recordsRefusal({ reason, clientId, authenticated, address: request.address })) {
    const recorded = { event, at: context.clock.now(), requestId: request.id, clientId }
    try {
      await context.log.append([{ ...recorded, address: request.address, details: { reason } }])
    } catch {
      return respond(context, request, 'unavailable.audit')
    }
  }
  return respond(context, request, reason)
}

function respond(context: AuthenticatedEndpointContext, request: HttpRequest, reason: RefusalReason): HttpResponse {
  return respondRefusal({
    reason,
    usedAuthorizationHeader: request.headers.authorization !== undefined,
    retryAfterSeconds: context.guesses.retryAfterSeconds(context.clock.now()),
  })
}

import type { TokenEventName } from '../audit/log/token-events.ts'
import type { HttpRequest, HttpResponse } from '../http/exchange.ts'
import { parseForm, readForm, type Form, type FormRefusal } from '../http/form.ts'
import { problem } from '../http/problem.ts'
import { Fault } from '../kernel/faults.ts'
import { done, refused, type Result } from '../kernel/result.ts'
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

/** Why a caller who authenticated gets no answer. */
export interface CallerRefusal {
  readonly reason: RefusalReason
  /** Named to the caller. */
  readonly about?: string
}

type DenialEvent = Extract<TokenEventName, `${string}.denied`>
type Answered = HttpResponse | CallerRefusal

const noForm: Form = new Map()

/**
 * The frame of an endpoint that takes a `token` from an authenticated caller: reads the form, authenticates, records refusals under `event`.
 * A fault of the store becomes 503, never an answer about the token.
 */
export function answerAuthenticated(
  context: AuthenticatedEndpointContext,
  request: HttpRequest,
  event: DenialEvent,
  answer: (caller: AuthenticatedClient, token: string) => Promise<Answered>,
): Promise<HttpResponse> {
  const form = readForm(request)
  const parameters: Result<Form, FormRefusal> = form.ok ? done(form.value.parameters) : form
  return answerCaller(context, request, event, parameters, (caller, sent) => {
    // (REQUIRED) RFC 7662 §2.1, RFC 7009 §2.1
    const token = sent.get('token')
    return token === undefined ? Promise.resolve({ reason: 'request.token_missing' }) : answer(caller, token)
  })
}

/**
 * The frame of an endpoint that is asked by GET: the caller authenticates by Basic, or by the certificate of the connection and `client_id` in the query, the one
 * credential that may stand there because it is none.
 */
export async function answerQuestion(
  context: AuthenticatedEndpointContext,
  request: HttpRequest,
  event: DenialEvent,
  answer: (caller: AuthenticatedClient, query: Form) => Promise<Answered>,
): Promise<HttpResponse> {
  if (request.method !== 'GET') return problem(405, 'Method not allowed', 'use GET', ['Allow', 'GET'])
  return answerCaller(context, request, event, readQuery(request), answer)
}

/** A secret in a URL is in every log on its way: it is refused, whether it is right or not. */
function readQuery({ query }: HttpRequest): Result<Form, FormRefusal> {
  const read = parseForm(Buffer.from(query, 'latin1'))
  if (!read.ok) return read
  const { parameters } = read.value
  const isCredential = parameters.has('client_secret') || parameters.has('client_assertion')
  return isCredential ? refused('request.parameter_in_query') : done(parameters)
}

async function answerCaller(
  context: AuthenticatedEndpointContext,
  request: HttpRequest,
  event: DenialEvent,
  read: Result<Form, FormRefusal>,
  answer: (caller: AuthenticatedClient, parameters: Form) => Promise<Answered>,
): Promise<HttpResponse> {
  if (!read.ok) return refuse(context, request, noForm, event, { reason: read.refusal })
  const parameters = read.value
  try {
    const authenticated = await authenticateClient(context, request, parameters)
    if (!authenticated.ok) return await refuse(context, request, parameters, event, { reason: authenticated.refusal })
    const result = await answer(authenticated.value, parameters)
    return 'reason' in result ? await refuse(context, request, parameters, event, result, authenticated.value) : result
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return refuse(context, request, parameters, event, { reason: 'unavailable.store' })
  }
}

async function refuse(
  context: AuthenticatedEndpointContext,
  request: HttpRequest,
  form: Form,
  event: DenialEvent,
  refusal: CallerRefusal,
  caller?: AuthenticatedClient,
): Promise<HttpResponse> {
  const { reason } = refusal
  const { address, id: requestId } = request
  const clientId = caller?.client.clientId ?? claimedClientId(request, form)
  const authenticated = caller !== undefined
  if (context.log.recordsRefusal({ reason, clientId, authenticated, address })) {
    const recorded = { event, at: context.clock.now(), requestId, clientId }
    try {
      await context.log.append([{ ...recorded, address, details: { reason } }])
    } catch {
      return respond(context, request, { reason: 'unavailable.audit' })
    }
  }
  if (reason === 'network.address_not_allowed') context.log.noteRefusal(clientId, requestId, reason, address)
  return respond(context, request, refusal)
}

function respond(
  context: AuthenticatedEndpointContext,
  request: HttpRequest,
  { reason, about }: CallerRefusal,
): HttpResponse {
  return respondRefusal({
    reason,
    about,
    usedAuthorizationHeader: request.headers.authorization !== undefined,
    retryAfterSeconds: context.guesses.retryAfterSeconds(context.clock.now()),
  })
}

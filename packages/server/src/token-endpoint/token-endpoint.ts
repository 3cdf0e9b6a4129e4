import type { Endpoint, HttpRequest } from '../http/exchange.ts'
import type { Form } from '../http/form.ts'
import { Fault } from '../kernel/faults.ts'
import { decideToken } from '../policy/token-decision.ts'
import type { Catalogue } from '../resource-servers/catalogue.ts'
import {
  authenticateClient,
  type AuthenticationContext,
  type AuthenticationResult,
} from './authenticate/authenticate-client.ts'
import { claimedClientId } from './authenticate/presented-credentials.ts'
import type { GroupCommit, TokenOutcome } from './group-commit.ts'
import { parseTokenRequest } from './parse.ts'
import type { RefusalReason } from './refusals.ts'
import type { TokenRequest } from '../policy/token-request.ts'

export interface TokenEndpointContext extends AuthenticationContext {
  readonly catalogue: () => Catalogue
  readonly group: GroupCommit
}

const noForm: Form = new Map()

/**
 * `POST /oauth2/token` (RFC 6749 §4.4): parse, authenticate, decide; then, together with the other requests of the moment, issue, record and
 * answer. No framework stands on this path, and nothing on it writes to the database.
 */
export function tokenEndpoint(context: TokenEndpointContext): Endpoint {
  return (request) => {
    const parsed = parseTokenRequest(request)
    if (!parsed.ok) return context.group.complete(request, refuse(request, noForm, parsed.refusal))
    const { tokenRequest, form } = parsed.value
    const authenticated = authenticateClient(context, request, form)
    if (!(authenticated instanceof Promise)) {
      return context.group.complete(request, decide(context, request, form, tokenRequest, authenticated))
    }
    return authenticated.then(
      (result) => context.group.complete(request, decide(context, request, form, tokenRequest, result)),
      (error: unknown) => {
        if (!(error instanceof Fault)) throw error
        return context.group.complete(request, refuse(request, form, 'unavailable.store'))
      },
    )
  }
}

function decide(
  context: TokenEndpointContext,
  request: HttpRequest,
  form: Form,
  tokenRequest: TokenRequest,
  authenticated: AuthenticationResult,
): TokenOutcome {
  if (!authenticated.ok) return refuse(request, form, authenticated.refusal)
  const { client, credentials, boundTo } = authenticated.value
  const decision = decideToken({
    client,
    credentials,
    boundTo,
    address: request.address,
    catalogue: context.catalogue(),
    request: tokenRequest,
    now: context.clock.now(),
  })
  if (decision.kind === 'grant') return decision
  const { reason, about } = decision
  return { kind: 'refused', reason, about, clientId: client.clientId, authenticated: true }
}

function refuse(request: HttpRequest, form: Form, reason: RefusalReason): TokenOutcome {
  return { kind: 'refused', reason, about: undefined, clientId: claimedClientId(request, form), authenticated: false }
}

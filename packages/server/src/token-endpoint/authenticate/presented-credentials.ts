import { isClientIdForm } from '../../clients/client.ts'
import { decodeFormComponent, type Form } from '../../http/form.ts'
import { countHeader, type HttpRequest } from '../../http/exchange.ts'
import { done, refused, type Result } from '../../kernel/result.ts'
import type { AuthenticationRefusal } from './refusals.ts'

/** What a request claims: nothing of it has been checked. */
export interface PresentedCredentials {
  readonly clientId: string
  /** Absent: the certificate of the connection has to do (RFC 8705 §2). */
  readonly clientSecret: string | undefined
}

export interface PresentedSecret extends PresentedCredentials {
  readonly clientSecret: string
}

/**
 * Finds the credentials in a request: HTTP Basic (RFC 6749 §2.3.1: both halves form-urlencoded first) or `client_id` and `client_secret` in
 * the body, never both; a `client_id` in the body beside Basic is fine when it is the same. Without either, `client_id` beside a certificate.
 */
export function presentedCredentials(
  request: HttpRequest,
  form: Form,
): Result<PresentedCredentials, AuthenticationRefusal> {
  const header = request.headers.authorization
  const clientId = form.get('client_id')
  const clientSecret = form.get('client_secret')
  const hasAssertion = form.has('client_assertion') || form.has('client_assertion_type')
  if (header === undefined) {
    if (clientSecret !== undefined && hasAssertion) return refused('authentication.several_methods')
    if (hasAssertion) return refused('authentication.unsupported_method')
    if (clientId === undefined) return refused('authentication.none')
    if (clientSecret === undefined && request.certificate === undefined) return refused('authentication.none')
    return done({ clientId, clientSecret })
  }
  if (clientSecret !== undefined || hasAssertion || countHeader(request, 'authorization') > 1) {
    return refused('authentication.several_methods')
  }
  const basic = parseBasic(header)
  if (!basic.ok) return basic
  if (clientId !== undefined && clientId !== basic.value.clientId) return refused('authentication.several_methods')
  return basic
}

/**
 * The client_id that a request names, for the audit log. Empty when it names none, and when what it names cannot be one: people put secrets and
 * tokens there. Nothing else about it has been checked.
 */
export function claimedClientId(request: HttpRequest, form: Form): string {
  const presented = presentedCredentials(request, form)
  const claimed = presented.ok ? presented.value.clientId : (form.get('client_id') ?? '')
  return isClientIdForm(claimed) ? claimed : ''
}

function parseBasic(header: string): Result<PresentedSecret, AuthenticationRefusal> {
  const space = header.indexOf(' ')
  const scheme = space === -1 ? header : header.slice(0, space)
  if (scheme.toLowerCase() !== 'basic') return refused('authentication.unsupported_scheme')
  const encoded = header.slice(space + 1).trim()
  if (space === -1 || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return refused('authentication.malformed_basic')
  const pair = Buffer.from(encoded, 'base64').toString('latin1')
  const colon = pair.indexOf(':')
  if (colon === -1) return refused('authentication.malformed_basic')
  const clientId = decodeFormComponent(pair.slice(0, colon))
  const clientSecret = decodeFormComponent(pair.slice(colon + 1))
  if (clientId === undefined || clientSecret === undefined || clientId === '' || clientSecret === '') {
    return refused('authentication.malformed_basic')
  }
  return done({ clientId, clientSecret })
}

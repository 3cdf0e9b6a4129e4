import { clientCredentialsGrant, parseScope } from '@latchkey/protocol'
import type { Form, FormRefusal } from '../http/form.ts'
import { readForm } from '../http/form.ts'
import type { HttpRequest } from '../http/exchange.ts'
import { done, refused, type Result } from '../kernel/result.ts'
import type { RequestedScope, TokenRequest } from '../policy/token-request.ts'

/** Why a token request could not be read, beyond what is wrong with its form. */
export const parseRefusals = {
  'request.grant_type_missing': '`grant_type` is missing (RFC 6749 §4.4.2).',
  'request.grant_type_unsupported': '`grant_type` is not client_credentials.',
} as const
export type ParseRefusal = FormRefusal | keyof typeof parseRefusals

export interface ParsedTokenRequest {
  readonly tokenRequest: TokenRequest
  /** For `authenticate`. */
  readonly form: Form
}

/** Reads a token request: the only place where its parameters are read, but for the credentials in the form, which `authenticate` reads. Unknown ones are ignored (RFC 6749 §3.2). */
export function parseTokenRequest(request: HttpRequest): Result<ParsedTokenRequest, ParseRefusal> {
  const form = readForm(request)
  if (!form.ok) return form
  const { parameters, resources } = form.value
  // (REQUIRED) RFC 6749 §4.4.2
  const grantType = parameters.get('grant_type')
  if (grantType === undefined) return refused('request.grant_type_missing')
  if (grantType !== clientCredentialsGrant) return refused('request.grant_type_unsupported')
  return done({ tokenRequest: { scope: parseRequestedScope(parameters.get('scope')), resources }, form: parameters })
}

/** Reads a `scope` parameter (OPTIONAL, RFC 6749 §3.3); sent empty, it counts as omitted. */
export function parseRequestedScope(parameter: string | undefined): RequestedScope {
  if (parameter === undefined || parameter === '') return { kind: 'omitted' }
  const scopes = parseScope(parameter)
  return scopes === undefined ? { kind: 'malformed' } : { kind: 'named', scopes }
}

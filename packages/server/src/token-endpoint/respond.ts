import { formatChallenge, type TokenErrorBody, type TokenResponse } from '@latchkey/protocol'
import type { HttpResponse } from '../http/exchange.ts'
import type { Grant } from '../policy/token-decision.ts'
import type { IssuedToken } from '../tokens/issue.ts'
import { publicRefusals, type RefusalReason } from './refusals.ts'

/** Answers of the OAuth endpoints are JSON and never stored (RFC 6749 §5.1, §5.2). */
export const oauthHeaders: readonly string[] = [
  'Content-Type',
  'application/json;charset=UTF-8',
  'Cache-Control',
  'no-store',
  'Pragma',
  'no-cache',
]

/** What is away (a database, a full disk, a burst) may be back within seconds. */
const unavailableRetrySeconds = 2

/** A refusal with what its answer depends on. */
export interface Refusal {
  readonly reason: RefusalReason
  /** The scope, resource or address that it is about; named only to callers who authenticated. */
  readonly about?: string | undefined
  /** Whether the caller used the Authorization header: then a 401 names the scheme (RFC 6749 §5.2). */
  readonly usedAuthorizationHeader: boolean
  /** For 429. */
  readonly retryAfterSeconds?: number | undefined
}

/** The answer to a granted request (RFC 6749 §5.1): no refresh token, no id token; `scope` always, since it may differ from what was asked. */
export function respondGrant(token: IssuedToken, grant: Grant): HttpResponse {
  const body: TokenResponse = {
    access_token: token.accessToken,
    expires_in: grant.expiresAt - grant.issuedAt,
    token_type: 'Bearer',
    scope: grant.scopes.text,
  }
  return { status: 200, headers: oauthHeaders, body: JSON.stringify(body) }
}

/** The answer to a refused request at the token, introspection or revocation endpoint (RFC 6749 §5.2). */
export function respondRefusal(refusal: Refusal): HttpResponse {
  const { status, error, description } = publicRefusals[refusal.reason]
  const body: TokenErrorBody = { error, error_description: describe(description, refusal.about) }
  return { status, headers: [...oauthHeaders, ...refusalHeaders(status, refusal)], body: JSON.stringify(body) }
}

function refusalHeaders(status: number, refusal: Refusal): string[] {
  if (status === 405) return ['Allow', 'POST']
  if (status === 401 && refusal.usedAuthorizationHeader) {
    return ['WWW-Authenticate', formatChallenge('Basic', { realm: 'latchkey', charset: 'UTF-8' })]
  }
  if (status === 429) return ['Retry-After', String(refusal.retryAfterSeconds ?? unavailableRetrySeconds)]
  if (status === 503) {
    return ['Retry-After', String(publicRefusals[refusal.reason].retryAfterSeconds ?? unavailableRetrySeconds)]
  }
  return []
}

/** Only characters that `error_description` may hold: %x20-21 / %x23-5B / %x5D-7E (RFC 6749 §5.2). */
function describe(description: string, about: string | undefined): string {
  const text = about === undefined ? description : `${description}: ${about.slice(0, 200)}`
  return text.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')
}

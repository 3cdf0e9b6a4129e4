import type { IncomingMessage } from 'node:http'
import { adminAudience, adminResourceServer, type AdminScope } from '@latchkey/admin-contract'
import { formatChallenge, parseScope, qualifyScope } from '@latchkey/protocol'
import type { TokenInspector } from '../../tokens/inspect.ts'
import { ProblemError, type ProblemOptions } from '../problem.ts'
import { isAdminScope } from './authority.ts'
import type { Caller } from './caller.ts'

/** Longest token that is looked at, in characters. */
const maxTokenLength = 16_384

/**
 * Judges the access token of a request (RFC 6750 §2.1: in the Authorization header and nowhere else) with everything there is, each time: signature,
 * expiry, revocation, the client's state, audience, scope. `resourceMetadata` is named in the challenge (RFC 9728 §5.1).
 * Throws ProblemError `access.token_missing`, `access.token_invalid`, `access.scope_missing`, and Fault `store.unavailable`.
 */
export async function authenticateToken(
  message: IncomingMessage,
  inspector: Pick<TokenInspector, 'inspect'>,
  scope: AdminScope,
  resourceMetadata: string,
): Promise<Caller> {
  const needed = qualifyScope(adminResourceServer, scope)
  const challenge = (parameters: Readonly<Record<string, string>>) => ({
    'www-authenticate': formatChallenge('Bearer', {
      realm: 'latchkey',
      ...parameters,
      resource_metadata: resourceMetadata,
    }),
  })
  const sent = authorizations(message)
  if (sent.length === 0) {
    // RFC 6750 §3.1: no error code for a request that did not try.
    throw new ProblemError('access.token_missing', {
      detail: `send an access token with ${needed} in the Authorization header`,
      headers: challenge({ scope: needed }),
    })
  }
  const invalid = (detail: string): ProblemError =>
    new ProblemError('access.token_invalid', {
      detail,
      headers: challenge({ error: 'invalid_token', error_description: detail }),
    } satisfies ProblemOptions)
  const token = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(sent.length === 1 ? (sent[0] ?? '') : '')?.[1]
  if (token === undefined || token.length > maxTokenLength)
    throw invalid('expected one Authorization header: Bearer <token>')
  const inspected = await inspector.inspect(token)
  // One text for all: which of them it was is for whoever may call `tokens.inspect`.
  if (!inspected.ok) throw invalid('the token has expired, was revoked, or is none of this server')
  const { aud, client_id: clientId, scope: text } = inspected.value.claims
  if (aud !== adminAudience) throw invalid(`the token is not for ${adminAudience}`)
  const authority = new Set((parseScope(text) ?? []).filter((held) => isAdminScope(held)))
  if (!authority.has(needed)) {
    throw new ProblemError('access.scope_missing', {
      detail: `the token lacks ${needed}`,
      headers: challenge({ error: 'insufficient_scope', scope: needed }),
    })
  }
  return { actor: clientId, authority }
}

/** Every Authorization header as sent: node:http would keep the first and drop the rest. */
function authorizations({ rawHeaders }: IncomingMessage): string[] {
  return rawHeaders.filter((_value, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'authorization')
}

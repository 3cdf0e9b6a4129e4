import type { IncomingMessage } from 'node:http'
import { adminAudience, adminResourceServer, type AdminScope } from '@latchkey/admin-contract'
import { formatChallenge, parseScope, qualifyScope } from '@latchkey/protocol'
import type { CompiledClient } from '../../clients/compiled-client.ts'
import type { ClientId } from '../../clients/client.ts'
import type { Peers } from '../../http/peer.ts'
import type { Clock } from '../../kernel/clock.ts'
import { evaluateNetwork } from '../../network-policy/evaluate.ts'
import type { TokenInspector } from '../../tokens/inspect.ts'
import { ProblemError, type ProblemOptions } from '../problem.ts'
import { isAdminScope } from './authority.ts'
import type { Caller } from './caller.ts'

/** Longest token that is looked at, in characters. */
const maxTokenLength = 16_384

/** What a token is judged by. */
export interface TokenJudge {
  readonly inspector: Pick<TokenInspector, 'inspect'>
  /** As the store has it. */
  readonly load: (clientId: ClientId) => Promise<Pick<CompiledClient, 'network'> | undefined>
  readonly peers: Peers
  readonly clock: Clock
}

/**
 * Judges the access token of a request (RFC 6750 §2.1: in the Authorization header and nowhere else) with everything there is, each time: signature,
 * expiry, revocation, the client's state, audience, the certificate that it is bound to (RFC 8705 §3), the address that it comes from, scope. `resourceMetadata` is
 * named in the challenge (RFC 9728 §5.1). Throws ProblemError `access.token_missing`, `access.token_invalid`, `access.address_not_allowed`, `access.scope_missing`, and Fault
 * `store.unavailable`.
 */
export async function authenticateToken(
  message: IncomingMessage,
  judge: TokenJudge,
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
  const inspected = await judge.inspector.inspect(token)
  // One text for all: which of them it was is for whoever may call `tokens.inspect`.
  if (!inspected.ok) throw invalid('the token has expired, was revoked, or is none of this server')
  const { aud, client_id: clientId, scope: text, cnf } = inspected.value.claims
  if (aud !== adminAudience) throw invalid(`the token is not for ${adminAudience}`)
  if (cnf !== undefined && judge.peers.certificate(message)?.thumbprint !== cnf['x5t#S256']) {
    throw invalid('the token is bound to a certificate, which did not come with the request')
  }
  await refuseAddress(message, judge, clientId as ClientId)
  const authority = new Set((parseScope(text) ?? []).filter((held) => isAdminScope(held)))
  if (!authority.has(needed)) {
    throw new ProblemError('access.scope_missing', {
      detail: `the token lacks ${needed}`,
      headers: challenge({ error: 'insufficient_scope', scope: needed }),
    })
  }
  return { actor: clientId, authority }
}

/** By the policy as it is now, which is at least as narrow as what a token in force says. */
async function refuseAddress(
  message: IncomingMessage,
  { load, peers, clock }: TokenJudge,
  id: ClientId,
): Promise<void> {
  const { method = '', url = '' } = message
  const address = peers.address(message)
  const call = { method, path: url.split('?', 1)[0] ?? '' }
  const place = { kind: 'api', name: adminResourceServer, call } as const
  const network = (await load(id))?.network
  if (evaluateNetwork(network, address, place, clock.now()) !== 'not_allowed') return
  throw new ProblemError('access.address_not_allowed', { detail: `the call is seen to come from ${address}` })
}

/** Every Authorization header as sent: node:http would keep the first and drop the rest. */
function authorizations({ rawHeaders }: IncomingMessage): string[] {
  return rawHeaders.filter((_value, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'authorization')
}

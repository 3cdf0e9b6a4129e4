import type { EpochMs } from '@latchkey/protocol'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { Change, ChangeContext } from '../../audit/change.ts'
import { refuseBeyond } from '../access/authority.ts'
import type { AdminServices, GrantPreview, GrantQuestion, LocalToken, TokenInspection } from '../services.ts'
import type { ClientId } from '../../clients/client.ts'
import type { CompiledClient, CompiledCredential } from '../../clients/compiled-client.ts'
import type { Clock } from '../../kernel/clock.ts'
import { refuseChange, type ChangeRefusal } from '../../kernel/refusal.ts'
import { done, type Result } from '../../kernel/result.ts'
import { decideToken, type Denial, type Grant } from '../../policy/token-decision.ts'
import type { Catalogue } from '../../resource-servers/catalogue.ts'
import { parseRequestedScope } from '../../token-endpoint/parse.ts'
import { publicRefusals, refusalMeanings } from '../../token-endpoint/refusals.ts'
import { inactiveTokens, type TokenInspector } from '../../tokens/inspect.ts'
import type { TokenIssuer } from '../../tokens/issue.ts'
import type { RevocationWrites } from '../../tokens/ports.ts'
import { revokeToken } from '../../tokens/revoke.ts'

export interface LocalTokensContext {
  readonly load: (clientId: ClientId) => Promise<CompiledClient | undefined>
  readonly catalogue: () => Catalogue
  readonly issuer: TokenIssuer
  readonly inspector: TokenInspector
  readonly change: Change<{ readonly revocations: RevocationWrites }>
  readonly clock: Clock
}

/** What an administrator does with tokens: ask what a client would get, issue under its built-in credential, look into one, end one. */
export function localTokens(context: LocalTokensContext): AdminServices['tokens'] {
  async function decide(
    question: GrantQuestion,
    choose: (client: CompiledClient) => CompiledCredential | undefined,
  ): Promise<Result<Grant | Denial | 'no-credential', ChangeRefusal>> {
    const client = await context.load(question.clientId)
    if (client === undefined)
      return refuseChange('client.unknown', `there is no client ${question.clientId}`, 'client_id')
    const request = { scope: parseRequestedScope(question.scope), resources: question.resources ?? [] }
    const catalogue = context.catalogue()
    const credential = choose(client)
    if (credential === undefined && client.state === 'enabled') return done('no-credential')
    const credentials = [credential ?? client.local]
    return done(decideToken({ client, credentials, catalogue, request, now: context.clock.now() }))
  }

  return {
    async preview(question) {
      const decided = await decide(question, (client) => longestSecret(client, context.clock.now()))
      return decided.ok ? done(describeDecision(decided.value)) : decided
    },
    async issueLocally(context_, authority, question) {
      const decided = await decide(question, (client) => client.local)
      if (!decided.ok) return decided
      if (decided.value === 'no-credential') return refuseChange('token.denied', noSecret)
      if (decided.value.kind === 'denial') return refuseDenied(decided.value)
      const { clientId, grants } = decided.value.client
      // Of the very client that the grant was decided on: what it is granted later is in no token of now.
      const beyond = refuseBeyond(authority, { clientId, scopes: [...grants.keys()] }, 'client_id')
      return beyond === undefined ? issue(context, context_, decided.value) : { ok: false, refusal: beyond }
    },
    inspect: (token) => inspect(context.inspector, token),
    async revoke(changeContext, token) {
      const read = await context.inspector.read(token)
      if (!read.ok) {
        return read.refusal === 'token.expired'
          ? refuseChange('token.expired', 'the token has expired: there is nothing left to revoke', 'token')
          : refuseChange('token.not_ours', inactiveTokens[read.refusal], 'token')
      }
      await revokeToken(context.change, changeContext, read.value)
      return done({ jti: read.value.claims.jti, expiresAt: read.value.claims.exp })
    },
  }
}

/** Issues and records in one step: the row is committed before the token is handed out. */
function issue(
  context: LocalTokensContext,
  changeContext: ChangeContext,
  grant: Grant,
): Promise<Result<LocalToken, ChangeRefusal>> {
  return context.change(changeContext, () => {
    const token = context.issuer.issue(grant)
    const value: LocalToken = {
      accessToken: token.accessToken,
      expiresInSeconds: grant.expiresAt - grant.issuedAt,
      scope: grant.scopes.text,
    }
    const details = { jti: token.jti, scope: grant.scopes.text, exp: token.expiresAt, kid: token.kid }
    const event = { name: 'token.issued_locally', subject: grant.client.clientId, details } as const
    return Promise.resolve({ ...done(value), event })
  })
}

async function inspect(inspector: TokenInspector, token: string): Promise<TokenInspection> {
  const result = await inspector.inspect(token)
  const decoded = decode(token)
  return { active: result.ok, reason: result.ok ? undefined : result.refusal, ...decoded }
}

/** Header and claims as they stand in the token, believed or not. */
function decode(token: string): Pick<TokenInspection, 'header' | 'claims'> {
  try {
    return { header: { ...decodeProtectedHeader(token) }, claims: decodeJwt(token) }
  } catch {
    return { header: undefined, claims: undefined }
  }
}

/** The secret in force that lasts longest: what the client would use if it used the best that it has. */
function longestSecret(client: CompiledClient, now: EpochMs): CompiledCredential | undefined {
  return [...client.secrets.values()]
    .filter((secret) => secret.revokedAt === undefined && (secret.expiresAt ?? Infinity) > now)
    .toSorted((a, b) => (b.expiresAt ?? Number.MAX_SAFE_INTEGER) - (a.expiresAt ?? Number.MAX_SAFE_INTEGER))
    .at(0)
}

const noSecret = 'The client has no secret in force: all are revoked or have expired.'

function describeDecision(decision: Grant | Denial | 'no-credential'): GrantPreview {
  if (decision === 'no-credential') {
    return { granted: false, reason: 'client.no_secret_in_force', error: 'invalid_client', explanation: noSecret }
  }
  if (decision.kind === 'denial') {
    const { reason } = decision
    return { granted: false, reason, error: publicRefusals[reason].error, explanation: explain(decision) }
  }
  const { scopes, issuedAt, expiresAt } = decision
  return {
    granted: true,
    scopes: scopes.scopes,
    audience: [scopes.audience].flat(),
    expiresInSeconds: expiresAt - issuedAt,
  }
}

function refuseDenied(denial: Denial) {
  return refuseChange('token.denied', `${denial.reason}: ${explain(denial)}`)
}

function explain({ reason, about }: Denial): string {
  return about === undefined ? refusalMeanings[reason] : `${refusalMeanings[reason]} (${about})`
}

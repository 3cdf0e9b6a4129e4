import type { EpochMs } from '@latchkey/protocol'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { Change, ChangeContext } from '../../audit/change.ts'
import { refuseBeyond } from '../access/authority.ts'
import type {
  AdminServices,
  GrantDecision,
  GrantQuestion,
  LocalToken,
  PlacePreview,
  TokenInspection,
} from '../services.ts'
import type { ClientAuthentication } from '../../clients/authentication.ts'
import type { ClientId } from '../../clients/client.ts'
import type { CompiledClient, CompiledCredential } from '../../clients/compiled-client.ts'
import type { Clock } from '../../kernel/clock.ts'
import { refuseChange, type ChangeRefusal } from '../../kernel/refusal.ts'
import { done, type Result } from '../../kernel/result.ts'
import type { CompiledNetwork } from '../../network-policy/compiled-network.ts'
import { evaluateNetwork } from '../../network-policy/evaluate.ts'
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
    choose: (client: CompiledClient) => UsedCredentials | undefined,
  ): Promise<Result<Grant | Denial | 'no-credential', ChangeRefusal>> {
    const client = await context.load(question.clientId)
    if (client === undefined)
      return refuseChange('client.unknown', `there is no client ${question.clientId}`, 'client_id')
    const request = { scope: parseRequestedScope(question.scope), resources: question.resources ?? [] }
    const catalogue = context.catalogue()
    const used = choose(client)
    if (used === undefined && client.state === 'enabled') return done('no-credential')
    const { credentials, boundTo } = used ?? { credentials: [client.local], boundTo: undefined }
    const { address } = question
    return done(decideToken({ client, credentials, boundTo, address, catalogue, request, now: context.clock.now() }))
  }

  return {
    async preview(question) {
      const decided = await decide(question, (client) => longestCredentials(client, context.clock.now()))
      if (!decided.ok) return decided
      const network = (await context.load(question.clientId))?.network
      return done({ ...describeDecision(decided.value), ...previewPlace(network, question, context.clock.now()) })
    },
    async issueLocally(context_, authority, question) {
      const decided = await decide(question, ({ local }) => ({ credentials: [local], boundTo: undefined }))
      if (!decided.ok) return decided
      if (decided.value === 'no-credential') return refuseChange('token.denied', noCredential)
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

/** What takes part in a grant. */
interface UsedCredentials {
  readonly credentials: readonly CompiledCredential[]
  readonly boundTo: string | undefined
}

/** What the client would use if it used the best that it has; undefined when something that it needs is missing. */
function longestCredentials(client: CompiledClient, now: EpochMs): UsedCredentials | undefined {
  const { secrets, certificates, registeredKeys, registeredSubjects } = client
  const bySecret = longest(secrets, now)
  const byIssued = longest(certificates, now)
  const byRegistered = longest(registeredKeys, now)
  // Which certificate it would come with is not known; only the first that came says it.
  const bySubject = longest(new Map(registeredSubjects.map((each) => [each.id, each])), now)
  const beside = byIssued ?? byRegistered ?? bySubject
  const takesPart: Readonly<Record<ClientAuthentication, readonly (Known | undefined)[]>> = {
    secret: [bySecret],
    'secret-and-certificate': [bySecret, beside],
    mtls: [byIssued ?? bySubject],
    'self-signed-mtls': [byRegistered],
  }
  const used = takesPart[client.authentication].filter((each) => each !== undefined)
  if (used.length < takesPart[client.authentication].length) return undefined
  return {
    credentials: used.map(([, credential]) => credential),
    boundTo: client.authentication === 'secret' ? undefined : used.at(-1)?.[0],
  }
}

/** A credential with what it is known by. */
type Known = readonly [string, CompiledCredential]

/** That one in force that lasts longest, with what it is known by. */
function longest(credentials: ReadonlyMap<string, CompiledCredential>, now: EpochMs): Known | undefined {
  return [...credentials]
    .filter(([, { revokedAt, expiresAt }]) => revokedAt === undefined && (expiresAt ?? Infinity) > now)
    .toSorted(([, a], [, b]) => (b.expiresAt ?? Number.MAX_SAFE_INTEGER) - (a.expiresAt ?? Number.MAX_SAFE_INTEGER))
    .at(0)
}

const noCredential =
  'The client lacks a credential in force that it would need (a secret, a certificate): all are revoked or have expired.'

function previewPlace(
  network: CompiledNetwork | undefined,
  { address, call }: GrantQuestion,
  now: EpochMs,
): PlacePreview {
  if (address === undefined) return {}
  return {
    address: evaluateNetwork(network, address, { kind: 'token-endpoint' }, now),
    call: call && evaluateNetwork(network, address, { kind: 'api', name: call.api, call: call.endpoint }, now),
  }
}

function describeDecision(decision: Grant | Denial | 'no-credential'): GrantDecision {
  if (decision === 'no-credential') {
    return {
      granted: false,
      reason: 'client.no_credential_in_force',
      error: 'invalid_client',
      explanation: noCredential,
    }
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

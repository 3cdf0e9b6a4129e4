import {
  credentialsClaim,
  formatScope,
  networkClaim,
  maxTokenLifetimeSeconds,
  parseScope,
  resourceServerOf,
  type Confirmation,
  type CredentialGenerations,
  type EpochSeconds,
  type Scope,
} from '@latchkey/protocol'
import type { Access, VerifiedClaims } from './access.ts'
import { readNetworkClaim, type Network, type ReferredNetwork } from './network/read-network-claim.ts'
import { fail, pass, type Failed, type Step } from './step.ts'

/** What the claims have to agree with. */
export interface ClaimExpectations {
  readonly issuer: string
  readonly audience: string
  /** Only scopes of this resource server pass. */
  readonly resourceServer: string
}

/** The clock that they are judged by. */
export interface Moment {
  readonly clockToleranceSeconds: number
  /** Seconds since the epoch, with fractions. */
  readonly nowSeconds: number
}

/** What a token says: the same whenever it is read. */
export interface TokenFacts {
  readonly claims: VerifiedClaims
  /** Of this API's own. */
  readonly scopes: readonly Scope[]
  readonly credentials: CredentialGenerations
  /** Where its client may call from; undefined: it says nothing. */
  readonly network: Network | ReferredNetwork | undefined
  readonly nbf: number | undefined
}

type Payload = Readonly<Record<string, unknown>>

/** All private claims of Latchkey's begin with it. */
const privatePrefix = 'lk_'
const knownPrivateClaims: ReadonlySet<string> = new Set([credentialsClaim, networkClaim])

/**
 * Judges the claims of a token whose signature was verified (RFC 9068 §2.2, §4): required claims and their types, issuer, audience and binding.
 * Fails with `token.claims` (the detail names the claim) or with the reason of the first claim that disagrees.
 * A certificate that the token is bound to and the networks that it is for are read, and not compared. A private claim of Latchkey's that is not known here refuses the token: a later issuer may mean a restriction by it that this guard would not enforce.
 * Does not check the signature, the time ({@link judgeTime}), whether the token was revoked, or whether a particular scope is there.
 */
export function readClaims(payload: Payload, expected: ClaimExpectations): Step<TokenFacts> {
  const { iss, sub, client_id: clientId, jti, aud, iat, exp, nbf } = payload
  if (!isText(iss)) return fail('token.claims', 'iss')
  if (iss !== expected.issuer) return fail('token.issuer')
  if (!isAudience(aud)) return fail('token.claims', 'aud')
  if (!(typeof aud === 'string' ? [aud] : aud).includes(expected.audience)) return fail('token.audience')
  if (!isText(sub)) return fail('token.claims', 'sub')
  if (!isText(clientId)) return fail('token.claims', 'client_id')
  if (!isText(jti)) return fail('token.claims', 'jti')
  if (!isNumericDate(exp)) return fail('token.claims', 'exp')
  if (!isNumericDate(iat)) return fail('token.claims', 'iat')
  if (nbf !== undefined && !isNumericDate(nbf)) return fail('token.claims', 'nbf')

  // A revocation is published for as long as a token may live; one that lives longer would outlast its own revocation.
  if (!(exp - iat <= maxTokenLifetimeSeconds)) return fail('token.lifetime')

  const confirmation = readConfirmation(payload)
  if (confirmation === 'unknown') return fail('token.bound')

  const granted = readScope(payload)
  if (granted === undefined) return fail('token.claims', 'scope')
  const credentials = readCredentials(payload)
  if (credentials === undefined) return fail('token.claims', credentialsClaim)
  const unknown = Object.keys(payload).find((name) => name.startsWith(privatePrefix) && !knownPrivateClaims.has(name))
  if (unknown !== undefined) return fail('token.claims', unknown)
  const network = readNetworks(payload, expected.audience)
  if (network === 'malformed') return fail('token.claims', networkClaim)

  const scopes = granted.filter((scope) => resourceServerOf(scope) === expected.resourceServer)
  const claims: VerifiedClaims = {
    iss,
    sub,
    client_id: clientId,
    aud,
    iat: iat as EpochSeconds,
    exp: exp as EpochSeconds,
    jti,
    scope: formatScope(scopes),
    ...(confirmation && { cnf: confirmation }),
  }
  return pass({ claims, scopes, credentials, network, nbf })
}

/** Whether a token is within its time: to be asked at each call. */
export function judgeTime(
  { claims, nbf }: TokenFacts,
  { nowSeconds, clockToleranceSeconds }: Moment,
): Failed | undefined {
  const { iat, exp } = claims
  // Each comparison says what must hold, so that a clock that returns NaN refuses instead of passing.
  if (!(nowSeconds < exp + clockToleranceSeconds)) return fail('token.expired')
  if (!(Math.max(iat, nbf ?? iat) <= nowSeconds + clockToleranceSeconds)) return fail('token.not_yet_valid')
  return undefined
}

/** For the API's own code, which may do with it what it likes: nothing of it is used again. */
export function accessOf({ scopes, claims, credentials }: TokenFacts, address: string | undefined): Access {
  const { client_id: clientId, aud, cnf } = claims
  const copied = { ...claims, aud: typeof aud === 'string' ? aud : [...aud], ...(cnf && { cnf: { ...cnf } }) }
  return { clientId, scopes: new Set(scopes), claims: copied, credentials: { ...credentials }, address }
}

function readNetworks(payload: Payload, audience: string): TokenFacts['network'] | 'malformed' {
  if (!Object.hasOwn(payload, networkClaim)) return undefined
  return readNetworkClaim(payload[networkClaim], audience) ?? 'malformed'
}

/**
 * What the token is bound to. Whoever stole a sender-constrained token must not find an API that takes it as a plain one (RFC 8705 §3, RFC 9449 §7.2): a
 * binding that is not by certificate alone is one that cannot be checked here.
 */
function readConfirmation(payload: Payload): Confirmation | 'unknown' | undefined {
  if (!Object.hasOwn(payload, 'cnf')) return undefined
  const { cnf } = payload
  if (typeof cnf !== 'object' || cnf === null) return 'unknown'
  const [entry, ...others] = Object.entries(cnf)
  const [method, thumbprint] = entry ?? []
  const isKnown = method === 'x5t#S256' && typeof thumbprint === 'string' && /^[A-Za-z0-9_-]{43}$/.test(thumbprint)
  return isKnown && others.length === 0 ? { 'x5t#S256': thumbprint } : 'unknown'
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** NumericDate (RFC 7519 §2): seconds, perhaps with a fraction. */
function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

/** A string or an array of strings (RFC 7519 §4.1.3). */
function isAudience(value: unknown): value is string | readonly string[] {
  return isText(value) || (Array.isArray(value) && value.every(isText))
}

/** No `scope` means no scopes: RFC 9068 §2.2.3 lets a token be without. */
function readScope(payload: Payload): readonly Scope[] | undefined {
  if (!Object.hasOwn(payload, 'scope')) return []
  return typeof payload['scope'] === 'string' ? parseScope(payload['scope']) : undefined
}

/** Reference → generation, each a non-negative integer; without at least one, nothing could end the token. */
function readCredentials(payload: Payload): CredentialGenerations | undefined {
  const value = Object.hasOwn(payload, credentialsClaim) ? payload[credentialsClaim] : undefined
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const entries = Object.entries(value)
  const wellFormed = entries.every(([reference, generation]) => reference !== '' && isGeneration(generation))
  return wellFormed && entries.length > 0 ? (value as CredentialGenerations) : undefined
}

function isGeneration(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

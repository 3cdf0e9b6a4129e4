import { compactVerify, errors } from 'jose'
import type { Access } from './access.ts'
import { findCaller } from './caller.ts'
import { readBearerToken } from './bearer-token.ts'
import type { VerificationKey } from './keys/verification-keys.ts'
import type { Knowledge } from './knowledge.ts'
import type { Refusal } from './refusal.ts'
import type { RequestFacts } from './request-facts.ts'
import type { RouteRequirement } from './route-requirement.ts'
import type { GuardSettings } from './settings.ts'
import { fail, pass, type Failed, type Step } from './step.ts'
import { readClaims } from './token-claims.ts'
import { readTokenHeader } from './token-header.ts'

/** What Retry-After says while revocations are not known, in seconds. */
const revocationsRetrySeconds = 2

/** The outcome of judging one request. */
export type Verdict = { readonly ok: true; readonly access: Access } | { readonly ok: false; readonly refusal: Refusal }

/**
 * Judges one request: the only place where all checks of a token meet (RFC 6750 §2.1, RFC 9068 §4). Every refusal is
 * a value; it rejects only on a fault, which a caller has to treat as a refusal too.
 * Tells the caller's address and does not judge it. Of a certificate it checks that the token is bound to it (RFC 8705 §3), not who issued it: the issuer of the token did.
 */
export async function verify(
  facts: RequestFacts,
  requirement: RouteRequirement,
  settings: GuardSettings,
  { keys, revocations, start }: Pick<Knowledge, 'keys' | 'revocations' | 'start'>,
): Promise<Verdict> {
  const refused = ({ reason, detail }: Failed, more?: Partial<Refusal>): Verdict => {
    const refusal = { reason, requiredScopes: requirement.scopes, ...more }
    return { ok: false, refusal: detail === undefined ? refusal : { ...refusal, detail } }
  }

  // 1. The token, from the one place where it may stand.
  const token = readBearerToken(facts.authorization, settings.maxTokenBytes)
  if (!token.ok) return refused(token)

  // 2. The key that its header names; never one that it brings along. And whether what ended is known well enough to judge at all.
  const header = readTokenHeader(token.value, settings.algorithms)
  if (!header.ok) return refused(header)
  await start()
  const { keyId } = header.value
  const [found, contact] = await Promise.all([keys.find(keyId), revocations.contact()])
  // What is known to have ended stays ended, however long nothing was heard.
  if (revocations.hasKey(keyId)) return refused(fail('token.revoked', 'kid'))
  if (found.outcome === 'unavailable') {
    return refused(fail('keys.unavailable'), { retryAfterSeconds: found.retryAfterSeconds })
  }
  if (contact !== 'current') {
    const reason = contact === 'stale' ? 'revocations.stale' : 'revocations.unavailable'
    return refused(fail(reason), { retryAfterSeconds: revocationsRetrySeconds })
  }
  if (found.outcome === 'unknown') return refused(fail('token.unknown_key'))
  // The key says what it is for (RFC 8725 §3.1); a header that disagrees is an attempt at confusion.
  if (found.key.algorithm !== header.value.algorithm) return refused(fail('token.algorithm'))

  // 3. The signature, before a single claim is believed.
  const signed = await checkSignature(token.value, found.key)
  if (!signed.ok) return refused(signed)

  // 4. The claims.
  const payload = readPayload(signed.value)
  if (!payload.ok) return refused(payload)
  const access = readClaims(payload.value, { ...settings, nowSeconds: settings.now() / 1000 })
  if (!access.ok) return refused(access)

  // 5. Whether it has ended before its time.
  const { clientId, scopes, claims, credentials } = access.value
  const ending = revocations.endingOf({ jti: claims.jti, credentials })
  if (ending !== undefined) return refused(fail('token.revoked', ending), { clientId })

  // 6. Whether it comes from whom it was given to.
  const caller = findCaller(facts, settings.proxies)
  const thumbprint = claims.cnf?.['x5t#S256']
  if (thumbprint !== undefined) {
    const presented = await caller.thumbprint()
    if (presented === undefined) return refused(fail('certificate.missing'), { clientId })
    if (presented !== thumbprint) return refused(fail('certificate.mismatch'), { clientId })
  }

  // 7. What this route needs.
  if (!requirement.scopes.every((scope) => scopes.has(scope))) return refused(fail('scope.insufficient'), { clientId })
  return { ok: true, access: { ...access.value, address: caller.address } }
}

async function checkSignature(token: string, { algorithm, key }: VerificationKey): Promise<Step<Uint8Array>> {
  try {
    return pass((await compactVerify(token, key, { algorithms: [algorithm] })).payload)
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return fail('token.signature')
    if (error instanceof errors.JWSInvalid) return fail('token.malformed')
    throw error
  }
}

function readPayload(bytes: Uint8Array): Step<Readonly<Record<string, unknown>>> {
  try {
    const payload: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return fail('token.malformed')
    return pass(payload as Readonly<Record<string, unknown>>)
  } catch {
    return fail('token.malformed')
  }
}

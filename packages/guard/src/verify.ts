import type { Access } from './access.ts'
import { findCaller } from './caller.ts'
import { readBearerToken } from './bearer-token.ts'
import { checkSignature } from './check-signature.ts'
import type { Knowledge } from './knowledge.ts'
import { checkNetwork } from './network/check-network.ts'
import type { Refusal } from './refusal.ts'
import type { RequestFacts } from './request-facts.ts'
import { findRule } from './resource-server/find-rule.ts'
import type { RouteNeeds, RouteRequirement } from './route-requirement.ts'
import type { GuardSettings } from './settings.ts'
import { fail, pass, type Failed, type Step } from './step.ts'
import { accessOf, judgeTime, readClaims } from './token-claims.ts'
import { readTokenHeader } from './token-header.ts'

/** What Retry-After says while something of the issuer is not known, in seconds. */
const retrySeconds = 2

/** The outcome of judging one request. */
export type Verdict = { readonly ok: true; readonly access: Access } | { readonly ok: false; readonly refusal: Refusal }

/**
 * Judges one request: the only place where all checks of a token meet (RFC 6750 §2.1, RFC 9068 §4). Every refusal is
 * a value; it rejects only on a fault, which a caller has to treat as a refusal too.
 * Of a certificate it checks that the token is bound to it (RFC 8705 §3), not who issued it: the issuer of the token did. Of an address it takes what the
 * facts say: whether a proxy told the truth, nobody here can see.
 */
export async function verify(
  request: RequestFacts,
  requirement: RouteRequirement,
  settings: GuardSettings,
  knowledge: Knowledge,
): Promise<Verdict> {
  const { keys, revocations, policies, remembered } = knowledge
  const refused = ({ reason, detail }: Failed, more?: Partial<Refusal>): Verdict => {
    const refusal = { reason, requiredScopes: requirement.scopes, ...more }
    return { ok: false, refusal: detail === undefined ? refusal : { ...refusal, detail } }
  }

  // 1. The token, from the one place where it may stand.
  const token = readBearerToken(request.authorization, settings.maxTokenBytes)
  if (!token.ok) return refused(token)

  // 2. The key that its header names; never one that it brings along. And whether what ended is known well enough to judge at all.
  const digest = remembered.digestOf(token.value)
  const before = remembered.find(digest)
  const header = before === undefined ? readTokenHeader(token.value, settings.algorithms) : pass(before.key)
  if (!header.ok) return refused(header)
  if (!knowledge.hasStarted) await knowledge.start()
  const { keyId } = header.value
  // Both at once, where either has to ask. Neither is left alone by a clock that throws at the other: a rejection that nobody takes ends the process.
  const contacting = revocations.contact()
  const finding = contacting instanceof Promise ? (async () => keys.find(keyId))() : keys.find(keyId)
  const [found, contact] =
    finding instanceof Promise || contacting instanceof Promise
      ? await Promise.all([finding, contacting])
      : [finding, contacting]
  // What is known to have ended stays ended, however long nothing was heard.
  if (revocations.hasKey(keyId)) return refused(fail('token.revoked', 'kid'))
  if (found.outcome === 'unavailable') {
    return refused(fail('keys.unavailable'), { retryAfterSeconds: found.retryAfterSeconds })
  }
  if (contact !== 'current') {
    const reason = contact === 'stale' ? 'revocations.stale' : 'revocations.unavailable'
    return refused(fail(reason), { retryAfterSeconds: retrySeconds })
  }
  if (found.outcome === 'unknown') return refused(fail('token.unknown_key'))
  // The key says what it is for (RFC 8725 §3.1); a header that disagrees is an attempt at confusion.
  if (found.key.algorithm !== header.value.algorithm) return refused(fail('token.algorithm'))

  // 3. The signature, before a single claim is believed; and the claims. What they say is the same each time, but for the time.
  let facts = before?.key === found.key ? before.facts : undefined
  if (facts === undefined) {
    const signed = await checkSignature(token.value, found.key)
    if (!signed.ok) return refused(signed)
    const read = readClaims(signed.value, settings)
    if (!read.ok) return refused(read)
    facts = read.value
    remembered.keep(digest, { key: found.key, facts })
  }

  // 4. Whether it is within its time.
  const { clockToleranceSeconds } = settings
  const untimely = judgeTime(facts, { clockToleranceSeconds, nowSeconds: settings.now() / 1000 })
  if (untimely !== undefined) return refused(untimely)

  // 5. Whether it has ended before its time.
  const { claims, credentials, scopes, network } = facts
  const clientId = claims.client_id
  const ending = revocations.endingOf({ jti: claims.jti, credentials })
  if (ending !== undefined) return refused(fail('token.revoked', ending), { clientId })

  // 6. Whether it comes from whom it was given to.
  const caller = findCaller(request, settings.proxies)
  const thumbprint = claims.cnf?.['x5t#S256']
  if (thumbprint !== undefined) {
    const presented = await caller.thumbprint()
    if (presented === undefined) return refused(fail('certificate.missing'), { clientId })
    if (presented !== thumbprint) return refused(fail('certificate.mismatch'), { clientId })
  }

  // 7. And from where they may call.
  const { method, target } = request
  const { address } = caller
  const seen = { clientId, ...(address !== undefined && { address }) }
  const locating = checkNetwork(network, { address, method, target }, policies)
  const located = locating instanceof Promise ? await locating : locating
  if (!located.ok) {
    const isUnavailable = located.reason === 'network.policy_unavailable'
    return refused(located, isUnavailable ? { clientId, retryAfterSeconds: retrySeconds } : seen)
  }
  const { reported } = located.value
  if (reported !== undefined) settings.onEvent({ type: 'request.reported', reason: reported, ...seen })

  // 8. What this call needs.
  const needs = findNeeds(request, requirement, knowledge)
  if (!needs.ok) {
    const isUnavailable = needs.reason === 'rules.unavailable'
    return refused(needs, isUnavailable ? { clientId, retryAfterSeconds: retrySeconds } : { clientId })
  }
  const requiredScopes = needs.value.scopes
  const granted: readonly string[] = scopes
  if (!requiredScopes.every((scope) => granted.includes(scope))) {
    return refused(fail('scope.insufficient'), { clientId, requiredScopes })
  }
  if (needs.value.certificate && thumbprint === undefined) return refused(fail('certificate.required'), { clientId })
  if (needs.value.allowedIp && network === undefined) return refused(fail('network.not_stated'), { clientId })
  return { ok: true, access: accessOf(facts, address) }
}

function findNeeds(
  { method, target }: RequestFacts,
  requirement: RouteRequirement,
  { rules }: Pick<Knowledge, 'rules'>,
): Step<RouteNeeds> {
  if (!requirement.followsRules) return pass(requirement)
  const known = rules.current()
  return known === undefined ? fail('rules.unavailable') : findRule(known, method, target)
}

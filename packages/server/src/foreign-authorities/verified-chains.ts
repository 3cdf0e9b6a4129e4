import type { EpochMs } from '@latchkey/protocol'
import type { CompiledSubject } from '../clients/compiled-client.ts'
import type { PresentedCertificate } from '../http/client-certificate.ts'
import { done, refused, type Result } from '../kernel/result.ts'
import type { ChainFault } from './chain-faults.ts'
import { findChain, type Anchor } from './find-chain.ts'
import { parseAnchor } from './read-anchor.ts'
import { readCertificate } from './read-certificate.ts'
import { hasIdentifier, readIdentifier, type SubjectIdentifier } from './subject-identifier.ts'

export type SubjectFault = ChainFault | 'unreadable' | 'other_subject'

/** Until when a certificate leads to the anchor of a registration, by the earliest end on its path. */
export type CheckSubject = (
  registered: CompiledSubject,
  presented: PresentedCertificate,
  now: EpochMs,
) => Result<EpochMs, SubjectFault>

/** Registrations that are kept read, and certificates of each that are kept verified: the ones used last. */
const maxRegistrations = 10_000
const maxPerRegistration = 64
/** A refusal is not worked out again for the same connection within this time, in milliseconds. */
const refusalHoldsMs = 1000

interface Registration extends Anchor {
  readonly identifier: SubjectIdentifier
  /** By thumbprint. Only what was verified gets in here, so that no stranger fills it. */
  readonly verified: Map<string, { readonly notBefore: EpochMs; readonly notAfter: EpochMs }>
}

/**
 * Checks certificates of foreign authorities against registrations (RFC 8705 §2.1), and remembers those that were good: a path is worked out once for each certificate and
 * registration. A resumed connection brings no intermediates; its certificate was verified when it came with them. Validity is judged each time; revocation by
 * the foreign authority is not.
 */
export function verifiedChains(): CheckSubject {
  const registrations = new Map<string, Registration>()
  const refusals = new WeakMap<PresentedCertificate, { id: string; at: EpochMs; fault: SubjectFault }>()
  return (registered, presented, now) => {
    const registration = recall(registrations, registered)
    const before = registration.verified.get(presented.thumbprint)
    if (before !== undefined && before.notBefore <= now && now < before.notAfter) {
      keepNewest(registration.verified, presented.thumbprint, before, maxPerRegistration)
      return done(before.notAfter)
    }
    const recent = refusals.get(presented)
    if (recent?.id === registered.id && now >= recent.at && now - recent.at < refusalHoldsMs)
      return refused(recent.fault)
    const outcome = verify(registration, presented, now)
    if (outcome.ok) {
      keepNewest(registration.verified, presented.thumbprint, outcome.value, maxPerRegistration)
      return done(outcome.value.notAfter)
    }
    refusals.set(presented, { id: registered.id, at: now, fault: outcome.refusal })
    return outcome
  }
}

function verify(
  registration: Registration,
  presented: PresentedCertificate,
  now: EpochMs,
): Result<{ readonly notBefore: EpochMs; readonly notAfter: EpochMs }, SubjectFault> {
  const leaf = readCertificate(presented.x509)
  if (leaf === undefined) return refused('unreadable')
  const chain = findChain(leaf, presented.chain, registration, now)
  if (!chain.ok) return chain
  if (!hasIdentifier(leaf, registration.identifier)) return refused('other_subject')
  const certificates = chain.value.map(({ x509 }) => x509)
  return done({
    notBefore: Math.max(...certificates.map(({ validFromDate }) => validFromDate.getTime())) as EpochMs,
    notAfter: Math.min(...certificates.map(({ validToDate }) => validToDate.getTime())) as EpochMs,
  })
}

/** What is registered never changes: it is read once. Throws when it is not as it was written. */
function recall(known: Map<string, Registration>, { id, subjectKind, subject, anchor }: CompiledSubject): Registration {
  const before = known.get(id)
  if (before !== undefined) {
    keepNewest(known, id, before, maxRegistrations)
    return before
  }
  const [identifier, read] = [readIdentifier(subjectKind, subject), parseAnchor(anchor)]
  if (!identifier.ok || !read.ok) throw new Error(`the registered subject ${id} cannot be read any more`)
  const registration = { ...read.value, identifier: identifier.value, verified: new Map() }
  keepNewest(known, id, registration, maxRegistrations)
  return registration
}

/** A Map keeps the order in which keys were set: the first is the one that was used longest ago. */
function keepNewest<Value>(map: Map<string, Value>, key: string, value: Value, max: number): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > max && oldest !== undefined) map.delete(oldest)
}

import type { EpochMs } from '@latchkey/protocol'
import { isStrongKey } from '../kernel/key-strength.ts'
import { publicKeyOf } from '../http/client-certificate.ts'
import { weakAlgorithm } from './signature-algorithm.ts'
import { allowsNames } from './name-constraints.ts'
import { isSameName } from './distinguished-name.ts'
import type { ReadCertificate } from './read-certificate.ts'

/** What can be wrong with the way from a certificate to the authority that was registered. */
export type ChainFault =
  | 'issuer_unknown'
  | 'chain_limit'
  | 'chain_signature'
  | 'chain_algorithm'
  | 'chain_not_authority'
  | 'chain_too_long'
  | 'chain_purpose'
  | 'chain_extension'
  | 'chain_weak_key'
  | 'chain_not_yet_valid'
  | 'chain_expired'
  | 'name_constraints'

/** RFC 5280 §4.2.1.12: whoever certifies clients, and is confined to purposes, is confined to this one among others. */
const clientAuth = '1.3.6.1.5.5.7.3.2'

/**
 * What is wrong with a path (RFC 5280 §6.1), from the leaf to the anchor, both included, each signed by the next: what the signatures do not say. The anchor is judged like
 * the others, its name, pathlen and constraints too. Policies are not asked for: an authority that demands them (policyConstraints, critical)
 * is refused, as for every critical extension that is not judged here. The leaf's own faults are `leafFault`'s.
 */
export function chainFault(path: readonly ReadCertificate[], now: EpochMs): ChainFault | undefined {
  const [leaf, ...authorities] = path
  let below = 0
  for (const [i, authority] of authorities.entries()) {
    const fault = authorityFault(authority, below, now)
    if (fault !== undefined) return fault
    const constraints = authority.nameConstraints
    const judged = path.slice(0, i + 1).filter((one) => one === leaf || !isSelfIssued(one))
    if (constraints !== undefined && !judged.every((one) => allowsNames(constraints, one))) return 'name_constraints'
    if (!isSelfIssued(authority)) below++
  }
  // Whoever is believed for another reason need not have signed itself well.
  return path.slice(0, -1).some((one) => weakAlgorithm(one.algorithms[1])) ? 'chain_algorithm' : undefined
}

/** What keeps an authority from certifying anybody with `below` authorities between; also for the one that is to be an anchor. */
export function authorityFault(authority: ReadCertificate, below: number, now: EpochMs): ChainFault | undefined {
  const { x509, version, isAuthority, pathLength, purposes, critical, hasTwice } = authority
  if (version !== 3 || !isAuthority) return 'chain_not_authority'
  if (hasTwice || critical.some((type) => !understood.has(type))) return 'chain_extension'
  if (pathLength !== undefined && below > pathLength) return 'chain_too_long'
  if (purposes !== undefined && !purposes.includes(clientAuth)) return 'chain_purpose'
  const key = publicKeyOf(x509)
  if (key === undefined || !isStrongKey(key)) return 'chain_weak_key'
  if (!(x509.validFromDate.getTime() <= now)) return 'chain_not_yet_valid'
  return now < x509.validToDate.getTime() ? undefined : 'chain_expired'
}

/** RFC 5280 §6.1: its issuer has its own name, as when a key is changed; such a one does not count. */
function isSelfIssued({ issuer, subject }: ReadCertificate): boolean {
  return isSameName(issuer, subject)
}

/** What may be critical in an authority's certificate. */
const understood: ReadonlySet<string> = new Set([
  '2.5.29.14', // subjectKeyIdentifier
  '2.5.29.15', // keyUsage
  '2.5.29.17', // subjectAltName
  '2.5.29.19', // basicConstraints
  '2.5.29.30', // nameConstraints
  '2.5.29.32', // certificatePolicies: nobody asks for one
  '2.5.29.35', // authorityKeyIdentifier
  '2.5.29.37', // extKeyUsage
])

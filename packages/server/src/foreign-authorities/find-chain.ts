import type { X509Certificate } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import { publicKeyOf } from '../http/client-certificate.ts'
import { done, refused, type Result } from '../kernel/result.ts'
import { chainFault, type ChainFault } from './chain-faults.ts'
import { isSameName } from './distinguished-name.ts'
import { readCertificate, type ReadCertificate } from './read-certificate.ts'

/** Whom the chain of a client's certificates has to lead to. */
export interface Anchor {
  readonly anchor: ReadCertificate
  /** Between it and its clients, as far as they were registered with it: never anchors themselves. */
  readonly intermediates: readonly ReadCertificate[]
}

/** Certificates beside the leaf that are looked at. Real chains have three. */
const maxPresented = 10
/** Authorities on one path, the anchor among them. */
const maxDepth = 8
/** Signatures that are checked before the search is given up: what comes with a connection is chosen by strangers. */
const maxSignatures = 24

/**
 * The path from a certificate to its anchor, both included: over what came with it, in any order, and what was registered with the anchor. Each signature is OpenSSL's to judge,
 * the path `chainFault`'s. Where several ways lead there, one that holds is enough; where none does, the refusal is that of the first that led there, or
 * else of the signature that kept it from it.
 */
export function findChain(
  leaf: ReadCertificate,
  presented: readonly X509Certificate[],
  { anchor, intermediates }: Anchor,
  now: EpochMs,
): Result<readonly ReadCertificate[], ChainFault> {
  if (presented.length > maxPresented) return refused('chain_limit')
  const came = presented.map((one) => readCertificate(one)).filter((one) => one !== undefined)
  const candidates = [anchor, ...intermediates, ...came]
  const faults: { whole?: ChainFault; broken?: ChainFault } = {}
  let signatures = 0

  function extend(path: readonly ReadCertificate[]): readonly ReadCertificate[] | undefined {
    const last = path.at(-1) ?? leaf
    for (const issuer of candidates) {
      if (!isSameName(last.issuer, issuer.subject) || path.some((one) => isSame(one, issuer))) continue
      if (signatures >= maxSignatures || path.length > maxDepth) {
        faults.broken = 'chain_limit'
        return undefined
      }
      signatures++
      const fault = linkFault(last, issuer)
      if (fault !== undefined) {
        faults.broken ??= fault
        continue
      }
      const longer = [...path, issuer]
      if (issuer !== anchor) {
        const found = extend(longer)
        if (found !== undefined) return found
        continue
      }
      const wrong = chainFault(longer, now)
      if (wrong === undefined) return longer
      faults.whole ??= wrong
    }
    return undefined
  }

  const found = extend([leaf])
  return found === undefined ? refused(faults.whole ?? faults.broken ?? 'issuer_unknown') : done(found)
}

/** Whether one has issued the other, as OpenSSL sees it: names, key identifiers, key usage, and the signature with its two statements of the algorithm. */
function linkFault(subject: ReadCertificate, issuer: ReadCertificate): ChainFault | undefined {
  const [signed, beside] = subject.algorithms
  if (!Buffer.from(signed).equals(beside)) return 'chain_signature'
  if (!issuer.isAuthority) return 'chain_not_authority'
  if (!subject.x509.checkIssued(issuer.x509)) return 'issuer_unknown'
  const key = publicKeyOf(issuer.x509)
  return key !== undefined && subject.x509.verify(key) ? undefined : 'chain_signature'
}

/** The same certificate, or the same authority once more: a path that comes back to where it was leads nowhere (RFC 4158 §2.4.2). */
function isSame(a: ReadCertificate, b: ReadCertificate): boolean {
  return a.x509.raw.equals(b.x509.raw) || (isSameName(a.subject, b.subject) && hasSameKey(a, b))
}

function hasSameKey(a: ReadCertificate, b: ReadCertificate): boolean {
  const [first, second] = [publicKeyOf(a.x509), publicKeyOf(b.x509)]
  return first !== undefined && second !== undefined && first.equals(second)
}

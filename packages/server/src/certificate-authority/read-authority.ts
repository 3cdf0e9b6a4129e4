import type { X509Certificate } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import { authorityFault } from '../foreign-authorities/chain-faults.ts'
import { findChain } from '../foreign-authorities/find-chain.ts'
import { nameTags } from '../foreign-authorities/general-name.ts'
import { isSameName } from '../foreign-authorities/distinguished-name.ts'
import { allowsNames } from '../foreign-authorities/name-constraints.ts'
import { chainFaultWords, parseAnchor } from '../foreign-authorities/read-anchor.ts'
import type { ReadCertificate } from '../foreign-authorities/read-certificate.ts'
import { weakAlgorithm } from '../foreign-authorities/signature-algorithm.ts'
import { done, refused, type Result } from '../kernel/result.ts'
import { lifetimes } from './profile.ts'
import { curves, x509 } from './x509.ts'

export interface BroughtAuthority {
  readonly x509: X509Certificate
  /** PEM; empty without one. */
  readonly root: string
}

interface Unsuitable {
  readonly field: 'certificate' | 'root'
  readonly reason: string
}

/**
 * An intermediate that an operator brings, and the root that certifies it alone, where there is one. What it has to be: an intermediate, CA:TRUE with pathlen 0, keyCertSign and cRLSign,
 * a key identifier, an EC key (P-256, P-384, P-521), for clients if for purposes at all, free to certify our names, and good for longer than a client's certificate. Refuses with the reason in words.
 */
export function readAuthority(
  certificate: string,
  root: string | undefined,
  issuer: string,
  now: EpochMs,
): Result<BroughtAuthority, Unsuitable> {
  const parsed = readOne(certificate)
  if (!parsed.ok) return refused({ field: 'certificate', reason: parsed.refusal })
  const reason = judge(parsed.value, issuer, now)
  if (reason !== undefined) return refused({ field: 'certificate', reason })
  if (root === undefined) return done({ x509: parsed.value.x509, root: '' })
  const above = readOne(root)
  if (!above.ok) return refused({ field: 'root', reason: above.refusal })
  const fault = authorityFault(above.value, 0, now)
  if (fault !== undefined) return refused({ field: 'root', reason: `it ${chainFaultWords[fault]}` })
  const chain = findChain(parsed.value, [], { anchor: above.value, intermediates: [] }, now)
  if (!chain.ok) return refused({ field: 'root', reason: 'it has not certified the intermediate' })
  return done({ x509: parsed.value.x509, root: above.value.x509.toString() })
}

function readOne(pem: string): Result<ReadCertificate, string> {
  const parsed = parseAnchor(pem)
  if (!parsed.ok) return parsed
  const { anchor, intermediates } = parsed.value
  return intermediates.length > 0 ? refused('it is more than one certificate') : done(anchor)
}

/** What keeps it from being the authority of this server's clients. */
function judge(read: ReadCertificate, issuer: string, now: EpochMs): string | undefined {
  const fault = authorityFault(read, 0, now)
  if (fault !== undefined) return `it ${chainFaultWords[fault]}`
  if (isSameName(read.issuer, read.subject)) {
    return 'it is self-signed: bring an intermediate, and keep the root where nobody reaches it'
  }
  if (read.pathLength !== 0) return 'its pathlen is not 0: whoever got at its key could make authorities'
  const parsed = new x509.X509Certificate(new Uint8Array(read.x509.raw))
  const usages = parsed.getExtension(x509.KeyUsagesExtension)?.usages ?? 0
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags
  if ((usages & keyCertSign) === 0 || (usages & cRLSign) === 0) return 'its key usage lacks keyCertSign or cRLSign'
  if (parsed.getExtension(x509.SubjectKeyIdentifierExtension) === null) return 'it has no subject key identifier'
  if (!((read.x509.publicKey.asymmetricKeyDetails?.namedCurve ?? '') in curves)) {
    return 'its key is neither P-256 nor P-384 nor P-521'
  }
  if (weakAlgorithm(read.algorithms[1])) return `it ${chainFaultWords.chain_algorithm}`
  if (read.x509.validToDate.getTime() < now + lifetimes.leaf) return 'it ends before a certificate of 90 days would'
  const ours = Buffer.from(`${issuer}/clients/x`)
  const names = { subject: [], subjectNames: [{ tag: nameTags.uri, content: ours, name: undefined }] }
  if (read.nameConstraints !== undefined && !allowsNames(read.nameConstraints, names)) {
    return `its name constraints do not let it certify ${issuer}/clients/…`
  }
  return undefined
}

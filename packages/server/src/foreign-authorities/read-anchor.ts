import { X509Certificate } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import { done, refused, type Result } from '../kernel/result.ts'
import { authorityFault, type ChainFault } from './chain-faults.ts'
import { findChain, type Anchor } from './find-chain.ts'
import { readCertificate, type ReadCertificate } from './read-certificate.ts'

/** Certificates that can be registered together. */
const maxCertificates = 8

/**
 * An anchor in PEM: the first certificate is the one that is trusted, self-signed or not; those after it are intermediates below it, and lead only to it. Refuses, with the reason
 * in words, what could certify nobody at this moment.
 */
export function readAnchor(pem: string, now: EpochMs): Result<Anchor, string> {
  const parsed = parseAnchor(pem)
  if (!parsed.ok) return parsed
  const { anchor, intermediates } = parsed.value
  for (const [i, authority] of [anchor, ...intermediates].entries()) {
    const fault = authorityFault(authority, 0, now)
    if (fault !== undefined) return refused(`certificate ${i + 1} (${nameOf(authority)}) ${chainFaultWords[fault]}`)
  }
  for (const [i, one] of intermediates.entries()) {
    const others = intermediates.filter((other) => other !== one).map(({ x509 }) => x509)
    const chain = findChain(one, others, { anchor, intermediates: [] }, now)
    if (chain.ok) continue
    const why = chain.refusal === 'issuer_unknown' ? 'does not lead to the first one' : chainFaultWords[chain.refusal]
    return refused(
      `certificate ${i + 2} (${nameOf(one)}) ${why}: put the anchor first, and below it only what it certifies`,
    )
  }
  return parsed
}

/** The same without judging it: for what was registered, when it was good. Refuses what cannot be read. */
export function parseAnchor(pem: string): Result<Anchor, string> {
  const blocks = pem.match(/-----BEGIN [A-Z0-9 ]+-----[^-]*-----END [A-Z0-9 ]+-----/g) ?? []
  if (pem.includes('PRIVATE KEY')) return refused('that holds a private key: keep it, and send the certificate alone')
  if (blocks.length === 0 || blocks.some((block) => !block.startsWith('-----BEGIN CERTIFICATE-----'))) {
    return refused('it is no certificate in PEM')
  }
  if (blocks.length > maxCertificates) return refused(`it holds more than ${maxCertificates} certificates`)
  const read: ReadCertificate[] = []
  for (const [i, block] of blocks.entries()) {
    const one = readPem(block)
    if (one === undefined) return refused(`certificate ${i + 1} cannot be read`)
    read.push(one)
  }
  const [anchor, ...intermediates] = read
  return anchor === undefined ? refused('it is no certificate in PEM') : done({ anchor, intermediates })
}

function readPem(block: string): ReadCertificate | undefined {
  try {
    return readCertificate(new X509Certificate(block))
  } catch {
    return undefined
  }
}

function nameOf({ x509 }: ReadCertificate): string {
  return x509.subject.replaceAll('\n', ', ').slice(0, 100)
}

/** After `it`, for whoever brings a certificate. */
export const chainFaultWords: Readonly<Record<ChainFault, string>> = {
  issuer_unknown: 'has no known issuer',
  chain_limit: 'has too much around it',
  chain_signature: 'is not signed by its issuer',
  chain_algorithm: 'is signed with an algorithm that is not believed any more',
  chain_not_authority: 'is no authority: CA:TRUE, keyCertSign and version 3 are asked for',
  chain_too_long: 'stands below more authorities than its pathlen allows',
  chain_purpose: 'may not certify clients: its extended key usage lacks clientAuth',
  chain_extension: 'has an extension twice, or a critical one that is not understood',
  chain_weak_key: 'has a key that is too weak',
  chain_not_yet_valid: 'holds from a later moment on',
  chain_expired: 'has expired',
  name_constraints: 'has a name that an authority above it may not certify',
}

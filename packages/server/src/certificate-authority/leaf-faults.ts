import type { EpochMs } from '@latchkey/protocol'
import { Constructed, fromBER } from 'asn1js'
import { publicKeyOf, type PresentedCertificate } from '../http/client-certificate.ts'
import { isStrongKey } from '../kernel/key-strength.ts'
import { parseLimits, x509 } from './x509.ts'

/** What can be wrong with a certificate, whoever issued it. */
export type LeafFault =
  | 'unreadable'
  | 'version'
  | 'serial'
  | 'is_authority'
  | 'key_usage'
  | 'purpose'
  | 'extension'
  | 'weak_key'
  | 'not_yet_valid'
  | 'expired'

/**
 * What is wrong with a certificate in itself, whoever issued it: what node:tls lets through (RFC 5280 §4.1, §4.2). For the audit log, when a certificate was
 * recognised by nothing; undefined when it might be somebody's.
 */
export function leafFault(presented: PresentedCertificate, now: EpochMs): LeafFault | undefined {
  const parsed = parse(presented)
  if (parsed === undefined || presented.publicKey === undefined) return 'unreadable'
  if (versionOf(presented.x509.raw) !== 3) return 'version'
  // OpenSSL writes a negative one with its sign. Twenty octets at most, the first bit of which is the sign's (RFC 5280 §4.1.2.2).
  if (
    !/^0*[1-9A-F][0-9A-F]*$/.test(presented.x509.serialNumber) ||
    !/^0*[1-7]?[0-9A-F]{0,39}$/.test(presented.x509.serialNumber)
  ) {
    return 'serial'
  }
  // RFC 5280 §4.2: of two with different contents each reader takes another.
  if (new Set(parsed.extensions.map(({ type }) => type)).size < parsed.extensions.length) return 'extension'
  const usage = parsed.getExtension(x509.KeyUsagesExtension)?.usages
  const isAuthority = parsed.getExtension(x509.BasicConstraintsExtension)?.ca === true
  if (isAuthority || ((usage ?? 0) & x509.KeyUsageFlags.keyCertSign) !== 0) {
    return 'is_authority'
  }
  if (usage !== undefined && (usage & x509.KeyUsageFlags.digitalSignature) === 0) {
    return 'key_usage'
  }
  const purposes = parsed.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? []
  if (!purposes.includes(x509.ExtendedKeyUsage.clientAuth)) return 'purpose'
  if (parsed.extensions.some(({ critical, type }) => critical && !understood.has(type))) return 'extension'
  return weakness(presented) ?? validityFault(presented, now)
}

/** Whether it holds at this moment (RFC 5280 §4.1.2.5). */
export function validityFault({ x509: leaf }: PresentedCertificate, now: EpochMs): LeafFault | undefined {
  if (!(leaf.validFromDate.getTime() <= now)) return 'not_yet_valid'
  return now < leaf.validToDate.getTime() ? undefined : 'expired'
}

/** Whether its key is one that can be believed. */
export function weakness({ x509: leaf }: PresentedCertificate): LeafFault | undefined {
  const key = publicKeyOf(leaf)
  return key !== undefined && isStrongKey(key) ? undefined : 'weak_key'
}

/** Extensions that may be critical: judged above, or without meaning for a leaf that signs nothing. */
const understood: ReadonlySet<string> = new Set([
  '2.5.29.14', // subjectKeyIdentifier
  '2.5.29.15', // keyUsage
  '2.5.29.17', // subjectAltName
  '2.5.29.19', // basicConstraints
  '2.5.29.35', // authorityKeyIdentifier
  '2.5.29.37', // extKeyUsage
])

/** RFC 5280 §4.1.2.1: absent, as before versions were counted, it is 1. */
function versionOf(der: Buffer): number {
  const { result } = fromBER(new Uint8Array(der), parseLimits.berOptions)
  const [toBeSigned] = result instanceof Constructed ? result.valueBlock.value : []
  const [version] = toBeSigned instanceof Constructed ? toBeSigned.valueBlock.value : []
  const isTagged = version instanceof Constructed && version.idBlock.tagClass === 3 && version.idBlock.tagNumber === 0
  const [number] = isTagged ? version.valueBlock.value : []
  return number === undefined ? 1 : (new Uint8Array(number.valueBeforeDecodeView).at(-1) ?? 0) + 1
}

function parse({ x509: leaf }: PresentedCertificate): x509.X509Certificate | undefined {
  try {
    const parsed = new x509.X509Certificate(new Uint8Array(leaf.raw), parseLimits)
    // Read now what is parsed late, so that nothing of it throws afterwards.
    for (const extension of parsed.extensions) extension.toString('hex')
    return parsed
  } catch {
    return undefined
  }
}

import type { X509Certificate } from 'node:crypto'
import type { BaseBlock } from 'asn1js'
import { contentOf, isTagged, isUniversal, oidOf, partsOf, readDer, wholeOf } from './der.ts'
import { readName, type DistinguishedName } from './distinguished-name.ts'
import { readGeneralNames, type GeneralName } from './general-name.ts'
import { readNameConstraints, type NameConstraints } from './name-constraints.ts'

/** A certificate with everything that a path asks about. Nothing of it has been judged. */
export interface ReadCertificate {
  readonly x509: X509Certificate
  /** 1, 2 or 3. */
  readonly version: number
  /** AlgorithmIdentifier, DER; the one that is signed and the one beside the signature. */
  readonly algorithms: readonly [signed: Uint8Array, beside: Uint8Array]
  readonly issuer: DistinguishedName
  readonly subject: DistinguishedName
  /** Of subjectAltName; none without one. */
  readonly subjectNames: readonly GeneralName[]
  /** Critical extensions, by OID. */
  readonly critical: readonly string[]
  /** Whether an extension is there more than once (RFC 5280 §4.2). */
  readonly hasTwice: boolean
  /** Of basicConstraints; undefined: unlimited. */
  readonly pathLength: number | undefined
  readonly isAuthority: boolean
  /** OIDs; undefined without extended key usage. */
  readonly purposes: readonly string[] | undefined
  readonly nameConstraints: NameConstraints | undefined
}

const oid = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  extKeyUsage: '2.5.29.37',
} as const

/** Undefined for what cannot be read wholly: nothing is guessed. */
export function readCertificate(x509: X509Certificate): ReadCertificate | undefined {
  const [toBeSigned, beside, signature, ...more] = partsOf(readDer(x509.raw))
  if (toBeSigned === undefined || beside === undefined || signature === undefined || more.length > 0) return undefined
  const all = partsOf(toBeSigned)
  const [first] = all
  const hasVersion = first !== undefined && isTagged(first, 0)
  const [, signed, issuerBlock, , subjectBlock] = hasVersion ? all.slice(1) : all
  const [issuer, subject] = [readName(issuerBlock), readName(subjectBlock)]
  if (signed === undefined || issuer === undefined || subject === undefined) return undefined
  const extensions = readExtensions(all.find((block, i) => i > 5 && isTagged(block, 3)))
  if (extensions === undefined) return undefined
  const valueOf = (type: string) => extensions.find((each) => each.type === type)?.value
  const parse = <Value>(type: string, read: (der: Uint8Array) => Value | undefined): Value | undefined | null => {
    const value = valueOf(type)
    // Null: it is there, and cannot be read.
    return value === undefined ? undefined : (read(value) ?? null)
  }
  const subjectNames = parse(oid.subjectAltName, readGeneralNames)
  const basic = parse(oid.basicConstraints, readBasicConstraints)
  const mayCertify = parse(oid.keyUsage, readMayCertify)
  const purposes = parse(oid.extKeyUsage, readOids)
  const nameConstraints = parse(oid.nameConstraints, readNameConstraints)
  if (subjectNames === null || basic === null || mayCertify === null || purposes === null || nameConstraints === null) {
    return undefined
  }
  return {
    x509,
    version: hasVersion ? (contentOf(partsOf(first)[0] ?? first).at(-1) ?? 0) + 1 : 1,
    algorithms: [wholeOf(signed), wholeOf(beside)],
    issuer,
    subject,
    subjectNames: subjectNames ?? [],
    critical: extensions.filter(({ critical }) => critical).map(({ type }) => type),
    hasTwice: new Set(extensions.map(({ type }) => type)).size < extensions.length,
    pathLength: basic?.pathLength,
    // OpenSSL has to see it so as well.
    isAuthority: basic?.isAuthority === true && mayCertify !== false && x509.ca,
    purposes,
    nameConstraints,
  }
}

interface Extension {
  readonly type: string
  readonly critical: boolean
  readonly value: Uint8Array
}

function readExtensions(tagged: BaseBlock | undefined): readonly Extension[] | undefined {
  if (tagged === undefined) return []
  const [list] = partsOf(tagged)
  const extensions: Extension[] = []
  for (const block of partsOf(list)) {
    const parts = partsOf(block)
    const [type, value] = [oidOf(parts[0]), parts.at(-1)]
    const flag = parts.length === 3 ? parts[1] : undefined
    if (type === undefined || value === undefined || !isUniversal(value, 4) || parts.length > 3) return undefined
    if (flag !== undefined && !isUniversal(flag, 1)) return undefined
    extensions.push({ type, critical: flag !== undefined && contentOf(flag)[0] !== 0, value: contentOf(value) })
  }
  return extensions
}

function readBasicConstraints(der: Uint8Array): { isAuthority: boolean; pathLength: number | undefined } | undefined {
  const block = readDer(der)
  if (!isUniversal(block, 16)) return undefined
  const parts = [...partsOf(block)]
  const flag = isUniversal(parts[0], 1) ? parts.shift() : undefined
  const length = parts.shift()
  if (parts.length > 0) return undefined
  let pathLength: number | undefined
  if (length !== undefined) {
    const bytes = contentOf(length)
    // More than 127 certificates: no path is that long, and a negative one is none.
    if (!isUniversal(length, 2) || bytes.length !== 1 || (bytes[0] ?? 255) > 127) return undefined
    pathLength = bytes[0]
  }
  return { isAuthority: flag !== undefined && contentOf(flag)[0] !== 0, pathLength }
}

/** keyCertSign, the sixth bit (RFC 5280 §4.2.1.3). */
function readMayCertify(der: Uint8Array): boolean | undefined {
  const block = readDer(der)
  return block !== undefined && isUniversal(block, 3) ? ((contentOf(block)[1] ?? 0) & 0x04) !== 0 : undefined
}

function readOids(der: Uint8Array): readonly string[] | undefined {
  const oids = partsOf(readDer(der)).map((block) => oidOf(block))
  return oids.length > 0 && oids.every((each) => each !== undefined) ? oids : undefined
}

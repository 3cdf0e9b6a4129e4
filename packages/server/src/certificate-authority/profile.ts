import { X509Certificate } from 'node:crypto'
import { x509 } from './x509.ts'

/*
 * What the certificates of clients are, and nothing else: RFC 5280 with P-256, for clientAuth alone. `signLeaf` is the only way to one, and judges
 * what it made before anybody gets it.
 */

const dayMs = 86_400_000

/** Lives, in milliseconds. */
export const lifetimes: Readonly<Record<'root' | 'intermediate' | 'leaf' | 'leastLeaf', number>> = {
  root: 20 * 365 * dayMs,
  intermediate: 5 * 365 * dayMs,
  leaf: 90 * dayMs,
  leastLeaf: 3_600_000,
}

/** A certificate holds from a little before it was made: clocks differ. */
export const backdatingMs: number = 5 * 60_000

export const clientAuth: string = x509.ExtendedKeyUsage.clientAuth

/** What makes a leaf a leaf (RFC 5280 §4.2.1); `place` is `<issuer>/ca`, where its issuer's list and certificate are published under a name. */
export function leafExtensions(subjectUri: string, place: string, publishedAs: string): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([clientAuth]),
    new x509.SubjectAlternativeNameExtension([{ type: 'url', value: subjectUri }]),
    new x509.CRLDistributionPointsExtension([`${place}/${publishedAs}.crl`]),
    new x509.AuthorityInfoAccessExtension({ ocsp: `${place}/ocsp`, caIssuers: `${place}/${publishedAs}.cer` }),
  ]
}

/** What the profile asks of a leaf, each with how to see it. */
const lints: readonly (readonly [asks: string, holds: (leaf: Leaf) => boolean])[] = [
  ['version 3', ({ parsed }) => parsed.getExtension(x509.BasicConstraintsExtension) !== null],
  ['P-256', ({ node }) => node.publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1'],
  [
    'no authority',
    ({ node, parsed }) => !node.ca && parsed.getExtension(x509.BasicConstraintsExtension)?.critical === true,
  ],
  ['a serial of 128 bits that is positive', ({ node }) => /^[0-7][0-9A-F]{31}$/.test(node.serialNumber)],
  [
    'digitalSignature alone',
    ({ parsed }) => parsed.getExtension(x509.KeyUsagesExtension)?.usages === x509.KeyUsageFlags.digitalSignature,
  ],
  ['clientAuth alone', ({ node }) => JSON.stringify(node.keyUsage) === JSON.stringify([clientAuth])],
  ['one name, a URI', ({ node, subjectUri }) => node.subjectAltName === `URI:${subjectUri}`],
  [
    'a life of 90 days at most',
    ({ parsed }) => parsed.notAfter.getTime() - parsed.notBefore.getTime() <= lifetimes.leaf + backdatingMs,
  ],
  ['a life within its issuer’s', ({ parsed, issuer }) => parsed.notAfter.getTime() <= issuer.notAfter.getTime()],
  [
    'names of both keys',
    ({ parsed }) =>
      parsed.getExtension(x509.AuthorityKeyIdentifierExtension) !== null &&
      parsed.getExtension(x509.SubjectKeyIdentifierExtension) !== null,
  ],
  [
    'its issuer’s signature',
    ({ node, issuer }) => node.verify(new X509Certificate(Buffer.from(issuer.rawData)).publicKey),
  ],
  [
    'its issuer’s name and key, octet by octet',
    ({ parsed, node, issuer }) =>
      Buffer.from(parsed.issuerName.toArrayBuffer()).equals(Buffer.from(issuer.subjectName.toArrayBuffer())) &&
      node.checkIssued(new X509Certificate(Buffer.from(issuer.rawData))),
  ],
]

interface Leaf {
  readonly parsed: x509.X509Certificate
  readonly node: X509Certificate
  readonly issuer: x509.X509Certificate
  readonly subjectUri: string
}

/** What is wrong with a leaf, by this profile; nothing when it is as it must be. Reads the DER anew, by two readers. */
export function lintLeaf(der: ArrayBuffer, issuer: x509.X509Certificate, subjectUri: string): string[] {
  const leaf: Leaf = {
    parsed: new x509.X509Certificate(der),
    node: new X509Certificate(Buffer.from(der)),
    issuer,
    subjectUri,
  }
  return lints.filter(([, holds]) => !holds(leaf)).map(([asks]) => asks)
}

import { createHash, type KeyObject } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import type { DataKeys } from '../keys/data-keys.ts'
import type { Authority } from './authority.ts'
import type { Serial } from './certificate.ts'
import { backdatingMs, leafExtensions, lifetimes, lintLeaf } from './profile.ts'
import { openAuthority } from './sealed-authority.ts'
import { importPublicKey, keyIdentifierOf, pem, signatureAlgorithm, x509 } from './x509.ts'

export interface LeafRequest {
  readonly serial: Serial
  readonly commonName: string
  readonly subjectUri: string
  readonly publicKey: KeyObject
  readonly lifetimeMs: number
  /** `<issuer>/ca` */
  readonly place: string
}

export interface SignedLeaf {
  /** PEM. */
  readonly certificate: string
  /** SHA-256, base64url. */
  readonly thumbprint: string
  readonly notBefore: EpochMs
  readonly notAfter: EpochMs
}

/** Signs a client's certificate. There is no other way to one: what does not pass the profile's lint never leaves. Throws for that, a mistake of ours. */
export async function signLeaf(
  dataKeys: DataKeys,
  authority: Authority,
  { serial, commonName, subjectUri, publicKey, lifetimeMs, place }: LeafRequest,
  now: EpochMs,
): Promise<SignedLeaf> {
  const issuer = new x509.X509Certificate(authority.certificate)
  const key = await importPublicKey(publicKey)
  const signingKey = await openAuthority(dataKeys, authority)
  const notBefore = floorSeconds(now - backdatingMs)
  const notAfter = floorSeconds(Math.min(now + Math.min(lifetimeMs, lifetimes.leaf), authority.notAfter))
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: [{ CN: [commonName] }],
    // As it stands there: another encoding of the same name would be another name to some.
    issuer: issuer.subjectName,
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    publicKey: key,
    signingKey,
    signingAlgorithm: signatureAlgorithm(signingKey),
    extensions: [
      ...leafExtensions(subjectUri, place, authority.publishedAs),
      await x509.SubjectKeyIdentifierExtension.create(key),
      await keyIdentifierOf(issuer),
    ],
  })
  const faults = lintLeaf(leaf.rawData, issuer, subjectUri)
  if (faults.length > 0) throw new Error(`a certificate was made that lacks: ${faults.join(', ')}`)
  return {
    certificate: pem('CERTIFICATE', leaf.rawData),
    thumbprint: createHash('sha256').update(Buffer.from(leaf.rawData)).digest('base64url'),
    notBefore: notBefore as EpochMs,
    notAfter: notAfter as EpochMs,
  }
}

function floorSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000
}

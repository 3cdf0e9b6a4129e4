import { createHash, type KeyObject } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import type { DataKeys } from '../keys/data-keys.ts'
import type { AuthorityChain } from './authority.ts'
import type { Serial } from './certificate.ts'
import { openAuthority } from './make-authority.ts'
import { backdatingMs, leafExtensions, lifetimes, lintLeaf } from './profile.ts'
import { importPublicKey, pem, signatureAlgorithm, x509 } from './x509.ts'

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
  { intermediate }: AuthorityChain,
  { serial, commonName, subjectUri, publicKey, lifetimeMs, place }: LeafRequest,
  now: EpochMs,
): Promise<SignedLeaf> {
  const issuer = new x509.X509Certificate(intermediate.certificate)
  const key = await importPublicKey(publicKey)
  const notBefore = floorSeconds(now - backdatingMs)
  const notAfter = floorSeconds(Math.min(now + Math.min(lifetimeMs, lifetimes.leaf), intermediate.notAfter))
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: [{ CN: [commonName] }],
    issuer: issuer.subject,
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    publicKey: key,
    signingKey: await openAuthority(dataKeys, intermediate),
    signingAlgorithm: signatureAlgorithm,
    extensions: [
      ...leafExtensions(subjectUri, place),
      await x509.SubjectKeyIdentifierExtension.create(key),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
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

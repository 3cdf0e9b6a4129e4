import type { EpochMs } from '@latchkey/protocol'
import type { Random } from '../kernel/random.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import type { Authority, Root } from './authority.ts'
import { backdatingMs, clientAuth, lifetimes } from './profile.ts'
import { fingerprint, openAuthority, sealPrivateKey } from './sealed-authority.ts'
import { newSerial } from './serial.ts'
import { exportPrivateKey, generateKeyPair, keyIdentifierOf, pem, signatureAlgorithm, x509 } from './x509.ts'

export interface AuthorityMaker {
  readonly random: Random
  readonly dataKeys: DataKeys
  /** Names the authority for people. */
  readonly host: string
}

/** A root that signs nothing but intermediates. Its key is made here, leaves sealed, and is nowhere in clear afterwards. */
export async function makeRoot({ random, dataKeys, host }: AuthorityMaker, now: EpochMs): Promise<Root> {
  const keys = await generateKeyPair()
  const name: x509.JsonName = [{ CN: [`Latchkey client root of ${host}`] }]
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(random),
    subject: name,
    issuer: name,
    notBefore: new Date(now - backdatingMs),
    notAfter: new Date(now + lifetimes.root),
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: signatureAlgorithm(keys.privateKey),
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { kind: 'root', ...(await sealed(dataKeys, 'root', certificate, keys.privateKey, now)) }
}

/** The intermediate below it (pathlen 0, clientAuth) that signs clients. */
export async function makeIntermediate(
  { random, dataKeys, host }: AuthorityMaker,
  root: Root,
  publishedAs: string | undefined,
  now: EpochMs,
): Promise<Authority> {
  const issuer = new x509.X509Certificate(root.certificate)
  const signingKey = await openAuthority(dataKeys, root)
  const keys = await generateKeyPair()
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(random),
    subject: authorityName(host),
    issuer: issuer.subjectName,
    notBefore: new Date(now - backdatingMs),
    notAfter: new Date(Math.min(now + lifetimes.intermediate, root.notAfter)),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: signatureAlgorithm(signingKey),
    extensions: [
      ...authorityExtensions(),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await keyIdentifierOf(issuer),
    ],
  })
  const made = await sealed(dataKeys, 'intermediate', certificate, keys.privateKey, now)
  return {
    kind: 'intermediate',
    ...made,
    root: root.certificate,
    publishedAs: publishedAs ?? publishedName(made.id),
    replacedAt: undefined,
  }
}

export function authorityName(host: string): x509.JsonName {
  return [{ CN: [`Latchkey client authority of ${host}`] }]
}

/** What makes an intermediate one, made here or asked for elsewhere. */
export function authorityExtensions(): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    new x509.ExtendedKeyUsageExtension([clientAuth]),
  ]
}

/** Of every authority but the first. */
export function publishedName(id: string): string {
  return id.slice(0, 16)
}

async function sealed(
  dataKeys: DataKeys,
  kind: 'root' | 'intermediate',
  certificate: x509.X509Certificate,
  privateKey: CryptoKey,
  now: EpochMs,
) {
  const id = fingerprint(certificate.rawData)
  return {
    id,
    certificate: pem('CERTIFICATE', certificate.rawData),
    ...sealPrivateKey(dataKeys, kind, id, await exportPrivateKey(privateKey)),
    createdAt: now,
    notAfter: certificate.notAfter.getTime() as EpochMs,
  }
}

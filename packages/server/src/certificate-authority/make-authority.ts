import { createHash } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import type { Random } from '../kernel/random.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { seal, unseal } from '../keys/sealing.ts'
import type { Authority, AuthorityChain, AuthorityKind } from './authority.ts'
import { newSerial } from './serial.ts'
import { backdatingMs, clientAuth, lifetimes } from './profile.ts'
import { exportPrivateKey, generateKeyPair, importPrivateKey, pem, signatureAlgorithm, x509 } from './x509.ts'

export interface AuthorityMaker {
  readonly random: Random
  readonly dataKeys: DataKeys
  /** Names the authority for people. */
  readonly host: string
}

/**
 * A new client authority: a root that signs nothing but its intermediate, and the intermediate (pathlen 0, clientAuth) that signs clients. Both keys
 * are made here, leave sealed, and are nowhere in clear afterwards.
 */
export async function makeAuthority(maker: AuthorityMaker, now: EpochMs): Promise<AuthorityChain> {
  const rootKeys = await generateKeyPair()
  const rootName = distinguishedName(`Latchkey client root of ${maker.host}`)
  const root = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(maker.random),
    subject: rootName,
    issuer: rootName,
    notBefore: new Date(now - backdatingMs),
    notAfter: new Date(now + lifetimes.root),
    publicKey: rootKeys.publicKey,
    signingKey: rootKeys.privateKey,
    signingAlgorithm: signatureAlgorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  })
  const keys = await generateKeyPair()
  const intermediate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(maker.random),
    subject: distinguishedName(`Latchkey client authority of ${maker.host}`),
    issuer: rootName,
    notBefore: new Date(now - backdatingMs),
    notAfter: new Date(now + lifetimes.intermediate),
    publicKey: keys.publicKey,
    signingKey: rootKeys.privateKey,
    signingAlgorithm: signatureAlgorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.ExtendedKeyUsageExtension([clientAuth]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  })
  return {
    root: await sealAuthority(maker.dataKeys, 'root', root, rootKeys.privateKey, now),
    intermediate: await sealAuthority(maker.dataKeys, 'intermediate', intermediate, keys.privateKey, now),
  }
}

/** The private key of an authority, to sign with and not to be exported. Throws when the row is not as it was written. */
export function openAuthority(
  dataKeys: DataKeys,
  { id, kind, certificate, sealedPrivateKey, dataKeyId }: Authority,
): Promise<CryptoKey> {
  const der = new x509.X509Certificate(certificate).rawData
  const pkcs8 =
    fingerprint(der) === id
      ? unseal(dataKeys.sealingKey(dataKeyId), 'authority', `${kind} ${id}`, sealedPrivateKey)
      : undefined
  if (pkcs8 === undefined) throw new Error(`the ${kind} certificate authority in the database is not as it was written`)
  return importPrivateKey(pkcs8)
}

async function sealAuthority(
  dataKeys: DataKeys,
  kind: AuthorityKind,
  certificate: x509.X509Certificate,
  privateKey: CryptoKey,
  now: EpochMs,
): Promise<Authority> {
  const id = fingerprint(certificate.rawData)
  const dataKeyId = dataKeys.current('sealing')
  const pkcs8 = await exportPrivateKey(privateKey)
  return {
    id,
    kind,
    certificate: pem('CERTIFICATE', certificate.rawData),
    sealedPrivateKey: seal(dataKeys.sealingKey(dataKeyId), 'authority', `${kind} ${id}`, pkcs8),
    dataKeyId,
    createdAt: now,
    notAfter: certificate.notAfter.getTime() as EpochMs,
  }
}

function fingerprint(der: ArrayBuffer): string {
  return createHash('sha256').update(Buffer.from(der)).digest('hex')
}

/** A name of one part, which the library escapes. */
function distinguishedName(commonName: string): x509.JsonName {
  return [{ CN: [commonName] }]
}

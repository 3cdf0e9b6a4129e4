import { isIP } from 'node:net'
import type { EpochMs } from '@latchkey/protocol'
import type { Random } from '../kernel/random.ts'
import { backdatingMs } from './profile.ts'
import { newSerial } from './serial.ts'
import { exportPrivateKey, generateKeyPair, pem, signatureAlgorithm, x509 } from './x509.ts'

/** What a development server shows its clients, and what they trust it by. PEM. */
export interface DevelopmentServer {
  readonly root: string
  readonly certificate: string
  /** PKCS #8, not encrypted: as the listener reads it. */
  readonly privateKey: string
}

/** In milliseconds: a year, so that nobody has to trust a new one in the middle of work. */
const lifetimeMs = 365 * 86_400_000

/**
 * A certificate for the listener of `latchkey dev`, under a root of its own that has nothing to do with the clients' authority. The root's private key signs this
 * one certificate and is forgotten, so that whoever trusts the root trusts nothing else by it.
 */
export async function makeDevelopmentServer(
  random: Random,
  hosts: readonly string[],
  now: EpochMs,
): Promise<DevelopmentServer> {
  const rootKeys = await generateKeyPair()
  const keys = await generateKeyPair()
  const serial = newSerial(random)
  const rootName: x509.JsonName = [{ CN: [`Latchkey development server root ${serial.slice(0, 8)}`] }]
  const shared = {
    notBefore: new Date(now - backdatingMs),
    notAfter: new Date(now + lifetimeMs),
    signingKey: rootKeys.privateKey,
    signingAlgorithm: signatureAlgorithm(rootKeys.privateKey),
    issuer: rootName,
  }
  const root = await x509.X509CertificateGenerator.create({
    ...shared,
    serialNumber: newSerial(random),
    subject: rootName,
    publicKey: rootKeys.publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  })
  const certificate = await x509.X509CertificateGenerator.create({
    ...shared,
    serialNumber: serial,
    subject: [{ CN: ['Latchkey development server'] }],
    publicKey: keys.publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        hosts.map((host) => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  })
  const pkcs8 = await exportPrivateKey(keys.privateKey)
  return {
    root: pem('CERTIFICATE', root.rawData),
    certificate: pem('CERTIFICATE', certificate.rawData),
    privateKey: pem('PRIVATE KEY', new Uint8Array(pkcs8).buffer),
  }
}

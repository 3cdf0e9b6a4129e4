// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 wants it loaded first, for what it adds to globals
import 'reflect-metadata'
import { createPrivateKey, sign } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { BitString, fromBER, Sequence, type BaseBlock, type Constructed } from 'asn1js'

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** A sound curve that the profile does not take. */
export const p384 = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } as const

/** How a key is made and signs, as Web Crypto spells it. */
export type KeyKind = Parameters<typeof crypto.subtle.generateKey>[0] & { readonly hash?: string }

export interface TestKey {
  readonly publicKey: CryptoKey
  readonly privateKey: CryptoKey
  readonly kind: KeyKind
}

/** What a TLS client takes: PEM. */
export interface TestIdentity {
  readonly cert: string
  readonly key: string
}

export async function makeTestKey(kind: KeyKind = p256): Promise<TestKey> {
  const pair = await crypto.subtle.generateKey(kind, true, ['sign', 'verify'])
  if (!('publicKey' in pair)) throw new TypeError('not a kind of key pair')
  return { publicKey: pair.publicKey, privateKey: pair.privateKey, kind }
}

export async function keyPem({ privateKey }: TestKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', privateKey))
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' })
}

export async function makeTestCsr(key: TestKey): Promise<string> {
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ keys: key, signingAlgorithm: p256 })
  return request.toString('pem')
}

type SigningAlgorithm = NonNullable<Parameters<typeof x509.X509CertificateGenerator.create>[0]['signingAlgorithm']>

export interface TestCertificateOptions {
  readonly serialNumber?: string
  readonly subject?: x509.JsonName
  readonly notBefore?: number
  readonly notAfter?: number
  readonly extensions?: readonly x509.Extension[]
  /** Absent: by itself. */
  readonly issuer?: { readonly key: TestKey; readonly certificate: x509.X509Certificate }
}

/** A certificate of anybody's making: what a leaf of this server has, unless other extensions are given. */
export async function makeTestCertificate(
  key: TestKey,
  options: TestCertificateOptions = {},
): Promise<x509.X509Certificate> {
  const now = Date.now()
  const name: x509.JsonName = options.subject ?? [{ CN: ['partner'] }]
  const signer = options.issuer?.key ?? key
  return x509.X509CertificateGenerator.create({
    serialNumber: options.serialNumber ?? '4f1d0a2b3c4d5e6f708192a3b4c5d6e7',
    subject: name,
    issuer: options.issuer?.certificate.subject ?? name,
    notBefore: new Date(options.notBefore ?? now - 60_000),
    notAfter: new Date(options.notAfter ?? now + 86_400_000),
    publicKey: key.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: signer.kind as SigningAlgorithm,
    extensions: [...(options.extensions ?? usualExtensions())],
  })
}

export function usualExtensions(): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
  ]
}

export interface SigningAnew {
  /** Done to the fields that are signed. */
  readonly edit?: (fields: BaseBlock[]) => BaseBlock[]
  /** `sha256` unless said otherwise: what is signed with, whatever the certificate says of it. */
  readonly hash?: string
  /** AlgorithmIdentifier beside the signature; absent: as it was. */
  readonly beside?: BaseBlock
}

/** The certificate with other fields, signed anew. */
export async function signAgain(
  certificate: x509.X509Certificate,
  by: TestKey,
  { edit = (fields) => fields, hash = 'sha256', beside }: SigningAnew,
): Promise<x509.X509Certificate> {
  const [toBeSigned, algorithm] = (fromBER(certificate.rawData).result as Constructed).valueBlock.value
  if (algorithm === undefined) throw new TypeError('not a certificate')
  const fields = new Sequence({ value: edit([...(toBeSigned as Constructed).valueBlock.value]) })
  const signature = sign(hash, Buffer.from(fields.toBER()), await keyPem(by))
  const value = [fields, beside ?? algorithm, new BitString({ valueHex: new Uint8Array(signature).buffer })]
  return new x509.X509Certificate(new Sequence({ value }).toBER())
}

/** PEM of what was made, for a TLS client. */
export async function identityOf(key: TestKey, certificate: x509.X509Certificate): Promise<TestIdentity> {
  return { cert: pemOf(certificate), key: await keyPem(key) }
}

/** With the end of line that others may follow. */
export function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}

export { x509 }

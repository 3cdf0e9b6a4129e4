// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 wants it loaded first, for what it adds to globals
import 'reflect-metadata'
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/*
 * Where this server's keys and the library of certificates meet: keys are node:crypto's everywhere else, the library wants those of Web Crypto.
 */

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const

/** Keys of authorities: made here with the first, brought with any. By OpenSSL's names, with Web Crypto's, and the hash of as many bits. */
export const curves: Readonly<Record<string, { readonly namedCurve: string; readonly hash: string }>> = {
  prime256v1: { namedCurve: 'P-256', hash: 'SHA-256' },
  secp384r1: { namedCurve: 'P-384', hash: 'SHA-384' },
  secp521r1: { namedCurve: 'P-521', hash: 'SHA-512' },
}

/** What a signature with this key is made with. */
export function signatureAlgorithm(key: CryptoKey): { readonly name: 'ECDSA'; readonly hash: string } {
  const { namedCurve } = key.algorithm as { readonly namedCurve?: string }
  const curve = Object.values(curves).find((each) => each.namedCurve === namedCurve)
  if (curve === undefined) throw new Error(`no authority signs with ${namedCurve ?? key.algorithm.name}`)
  return { name: 'ECDSA', hash: curve.hash }
}

/** Of untrusted input: deeper or larger than any request of a certificate is. */
export const parseLimits = { berOptions: { maxDepth: 32, maxNodes: 2000, maxContentLength: 16_384 } } as const

export async function generateKeyPair(): Promise<{ readonly publicKey: CryptoKey; readonly privateKey: CryptoKey }> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

/** PKCS #8, DER: to be sealed at once. */
export async function exportPrivateKey(key: CryptoKey): Promise<Buffer> {
  return Buffer.from(await crypto.subtle.exportKey('pkcs8', key))
}

/** Not to be exported again. */
export function importPrivateKey(pkcs8: Uint8Array): Promise<CryptoKey> {
  const checked = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
  const der = checked.export({ format: 'der', type: 'pkcs8' })
  const { namedCurve } = curves[checked.asymmetricKeyDetails?.namedCurve ?? ''] ?? algorithm
  return crypto.subtle.importKey('pkcs8', new Uint8Array(der), { name: 'ECDSA', namedCurve }, false, ['sign'])
}

export function importPublicKey(key: KeyObject): Promise<CryptoKey> {
  const der = key.export({ format: 'der', type: 'spki' })
  return crypto.subtle.importKey('spki', new Uint8Array(der), algorithm, true, ['verify'])
}

/** How what it signs names its key: as it does itself, which need not be the SHA-1 that others would work out (RFC 5280 §4.2.1.1). */
export function keyIdentifierOf(issuer: x509.X509Certificate): Promise<x509.AuthorityKeyIdentifierExtension> {
  const own = issuer.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId
  return own === undefined
    ? x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey)
    : Promise.resolve(new x509.AuthorityKeyIdentifierExtension(own))
}

/** A public key as node:crypto reads it: a point that is not on its curve is refused here. Undefined for one that cannot be read. */
export function readPublicKey(spki: ArrayBuffer): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}

/** RFC 7468 §5, §6, §10: a CRL's label is `X509 CRL`, which the library writes otherwise. */
export function pem(label: 'CERTIFICATE' | 'X509 CRL' | 'PRIVATE KEY', der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

export { x509 }

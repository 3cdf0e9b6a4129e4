import type { KeyObject } from 'node:crypto'
import { done, refused, type Result } from '../kernel/result.ts'
import { readDer } from '../foreign-authorities/der.ts'
import { parseLimits, readPublicKey, x509 } from './x509.ts'

/** What a certificate signing request gives: its public key. */
export interface ReadCsr {
  readonly publicKey: KeyObject
  /** What it asked for beyond that, in words: none of it comes into the certificate. */
  readonly ignored: readonly string[]
  /** Never in a request. */
  readonly privateKey?: undefined | string
}

const maxBytes = 16_384

/**
 * Reads a certificate signing request (RFC 2986), PEM or base64 DER. Only its public key counts: name, validity and uses are the profile's. Refuses, with the
 * reason in words, what cannot be read, a key that is not P-256, and a signature that is not by that key (proof of possession).
 */
export async function readCsr(text: string): Promise<Result<ReadCsr, string>> {
  if (text.length > maxBytes) return refused(`it is longer than ${maxBytes} characters`)
  const blocks = text.match(/-----BEGIN [A-Z0-9 ]+-----/g) ?? []
  if (blocks.length > 1) return refused('it holds more than one block: send the request alone, and never a private key')
  if (blocks.length === 1 && !/^-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----$/.test(blocks[0])) {
    return refused(
      blocks[0].includes('PRIVATE KEY')
        ? 'that is a private key: keep it, and send the certificate signing request'
        : 'that is no certificate signing request',
    )
  }
  let request: x509.Pkcs10CertificateRequest
  let isSigned: boolean
  let key: KeyObject | undefined
  try {
    const base64 = text.replaceAll(/-----[A-Z ]+-----/g, '').replaceAll(/\s/g, '')
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return refused('it is neither PEM nor base64')
    const der = new Uint8Array(Buffer.from(base64, 'base64'))
    // What follows it would be in nobody's signature.
    if (readDer(der) === undefined) return refused('it cannot be read as a certificate signing request (PKCS #10)')
    request = new x509.Pkcs10CertificateRequest(der, parseLimits)
    key = readPublicKey(request.publicKey.rawData)
    if (key === undefined) return refused('its public key cannot be read, or is no point of its curve')
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
      return refused('its key is not P-256: make one with `openssl ecparam -name prime256v1 -genkey`')
    }
    isSigned = await request.verify()
  } catch {
    return refused('it cannot be read as a certificate signing request (PKCS #10)')
  }
  if (!isSigned) return refused('it is not signed by the key that it names')
  const ignored = [
    ...(request.subject === '' ? [] : ['the subject']),
    ...(request.extensions.length === 0 ? [] : [`${request.extensions.length} extension(s)`]),
    ...(request.attributes.some(({ type }) => type !== extensionRequest) ? ['other attributes'] : []),
  ]
  return done({ publicKey: key, ignored })
}

/** RFC 2985 §5.4.2. */
const extensionRequest = '1.2.840.113549.1.9.14'

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { BmpString, OctetString } from 'asn1js'
import {
  Attribute,
  AuthenticatedSafe,
  CertBag,
  Certificate,
  PFX,
  PKCS8ShroudedKeyBag,
  PrivateKeyInfo,
  SafeBag,
  SafeContents,
} from 'pkijs'
import { randomBase62 } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'

export interface Pkcs12Content {
  /** PEM. */
  readonly certificate: string
  /** PEM, one or more. */
  readonly chain: string
  /** PKCS #8 in PEM, not encrypted. */
  readonly privateKey: string
  /** Names key and certificate to people and key stores. */
  readonly name: string
}

/** Of PBKDF2; the password is 20 random characters, so that little rests on it. */
const iterations = 10_000

/**
 * Key, certificate and chain in one file (RFC 7292): the key under PBES2 with PBKDF2 (HMAC-SHA-256) and AES-256-CBC, the whole under a MAC with HMAC-SHA-256, as
 * OpenSSL 3 writes it and Java 17 reads it. The certificates are not encrypted.
 */
export async function makePkcs12(content: Pkcs12Content, password: string): Promise<Buffer> {
  const { certificate, chain, privateKey, name } = content
  const leaf = new X509Certificate(certificate)
  const keyId = Buffer.from(leaf.fingerprint.replaceAll(':', ''), 'hex')
  const marks = [
    new Attribute({ type: friendlyName, values: [new BmpString({ value: name })] }),
    new Attribute({ type: localKeyId, values: [new OctetString({ valueHex: new Uint8Array(keyId).buffer })] }),
  ]
  const secret = new Uint8Array(Buffer.from(password, 'utf8')).buffer

  const pkcs8 = createPrivateKey(privateKey).export({ format: 'der', type: 'pkcs8' })
  const keyBag = new PKCS8ShroudedKeyBag({ parsedValue: PrivateKeyInfo.fromBER(new Uint8Array(pkcs8)) })
  await keyBag.makeInternalValues({
    password: secret,
    contentEncryptionAlgorithm: { name: 'AES-CBC', length: 256, iv: crypto.getRandomValues(new Uint8Array(16)) },
    hmacHashAlgorithm: 'SHA-256',
    iterationCount: iterations,
  })
  const certificates = [certificate, ...(chain.match(pemCertificate) ?? [])].map((pem, i) => {
    const value = new CertBag({ parsedValue: Certificate.fromBER(new Uint8Array(new X509Certificate(pem).raw)) })
    return new SafeBag({ bagId: certBag, bagValue: value, ...(i === 0 ? { bagAttributes: marks } : {}) })
  })
  const key = new SafeBag({ bagId: shroudedKeyBag, bagValue: keyBag, bagAttributes: marks })
  const safe = new AuthenticatedSafe({
    parsedValue: {
      safeContents: [
        { privacyMode: 0, value: new SafeContents({ safeBags: [key] }) },
        { privacyMode: 0, value: new SafeContents({ safeBags: certificates }) },
      ],
    },
  })
  await safe.makeInternalValues({ safeContents: [{}, {}] })
  const pfx = new PFX({ parsedValue: { integrityMode: 0, authenticatedSafe: safe } })
  await pfx.makeInternalValues({
    password: secret,
    iterations,
    pbkdf2HashAlgorithm: { name: 'SHA-256' },
    hmacHashAlgorithm: 'SHA-256',
  })
  return Buffer.from(pfx.toSchema().toBER(false))
}

/** Characters of a password that nobody chooses: 119 bits. */
const passwordLength = 20

/** {@link makePkcs12} under a password that is made for it. The file is base64. */
export async function makeProtectedPkcs12(
  random: Random,
  content: Pkcs12Content,
): Promise<{ readonly pkcs12: string; readonly password: string }> {
  const password = randomBase62(random, passwordLength)
  return { pkcs12: (await makePkcs12(content, password)).toString('base64'), password }
}

/** RFC 2985 §5.5.1, §5.5.2. */
const friendlyName = '1.2.840.113549.1.9.20'
const localKeyId = '1.2.840.113549.1.9.21'

/** RFC 7292 §4.2. */
const shroudedKeyBag = '1.2.840.113549.1.12.10.1.2'
const certBag = '1.2.840.113549.1.12.10.1.3'

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

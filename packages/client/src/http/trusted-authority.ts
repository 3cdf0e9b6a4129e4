import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { misuse } from '../failure.ts'

/** Where the authority of a server with a certificate of its own is named: a file of PEM. */
export const authorityVariable = 'LATCHKEY_CA_FILE'

/**
 * What servers' certificates are judged by: the authorities in that file and no others, so that no public one can vouch for somebody in between;
 * undefined, without the variable: those that Node knows. Throws Failure for a file without certificates.
 */
export function trustedAuthority(): string | undefined {
  const file = process.env[authorityVariable]
  if (file === undefined || file === '') return undefined
  let pem: string
  try {
    pem = readFileSync(file, 'utf8')
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw misuse(`the file that ${authorityVariable} names cannot be read (${code})`, 'name a file of PEM certificates')
  }
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (certificates.length === 0 || !certificates.every((one) => isCertificate(one))) {
    throw misuse(
      `the file that ${authorityVariable} names holds no certificates in PEM`,
      'take /ca/server.pem of the server',
    )
  }
  return pem
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

/** What OpenSSL and node:tls say of a certificate that nobody vouches for, or that is somebody else's. */
const distrust: ReadonlySet<string> = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

/** Whether a connection failed because the server's certificate was not believed. */
export function isDistrust(error: unknown): boolean {
  return distrust.has((error as NodeJS.ErrnoException | undefined)?.code ?? '')
}

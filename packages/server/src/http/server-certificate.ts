import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { describeError, Fault } from '../kernel/faults.ts'

/** Where a listener's certificate is kept: absolute paths. */
export interface TlsFiles {
  /** PEM: the certificate, then those that lead to its root. */
  readonly certificate: string
  /** PEM: the private key, not encrypted. */
  readonly key: string
}

/** A certificate and its private key, as they were in the files together. */
export interface ServerCertificate {
  /** PEM, as node:tls takes them. */
  readonly cert: Buffer
  readonly key: Buffer
  /** Of the first certificate, for messages: SHA-256, hexadecimal with colons. */
  readonly fingerprint: string
  /** End of validity in milliseconds since 1970. */
  readonly notAfter: number
  /** Whether the certificate is made out to this host name or address, as it stands in a URL. */
  covers(host: string): boolean
}

/**
 * Reads a certificate and its key. Throws Fault `tls.unusable` when one cannot be read, the key is readable by everybody or belongs to another
 * certificate, or the certificate is not valid now. Does not check its chain, nor whom it is made out to.
 */
export function readServerCertificate(files: TlsFiles, nowMs: number): ServerCertificate {
  const cert = readPem(files.certificate, 'certificate')
  const leaf = parseCertificate(cert, files.certificate)
  const key = readPem(files.key, 'private key')
  // Its group may read it: that is how distributions let several servers share one key.
  if ((statSync(files.key).mode & 0o007) !== 0) {
    throw unusable(`everybody may read the private key ${files.key}`, `chmod o= ${files.key}`)
  }
  if (!leaf.checkPrivateKey(parseKey(key, files.key))) {
    throw unusable(
      `the private key ${files.key} is not that of the certificate ${files.certificate}`,
      'put the key beside the certificate that was issued for it',
    )
  }
  const { validFromDate, validToDate } = leaf
  if (validToDate.getTime() <= nowMs) {
    throw unusable(
      `the certificate ${files.certificate} expired on ${validToDate.toISOString()}`,
      'renew it; no client would connect',
    )
  }
  if (validFromDate.getTime() > nowMs) {
    throw unusable(
      `the certificate ${files.certificate} is not valid before ${validFromDate.toISOString()}`,
      'set the clock of this machine, or wait',
    )
  }
  return {
    cert,
    key,
    fingerprint: leaf.fingerprint256,
    notAfter: validToDate.getTime(),
    covers(host) {
      const bare = host.replace(/^\[|\]$/g, '')
      return (isIP(bare) === 0 ? leaf.checkHost(bare) : leaf.checkIP(bare)) !== undefined
    },
  }
}

function readPem(file: string, what: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw unusable(
      `cannot read the ${what} ${file}: ${describeError(error)}`,
      'correct --tls-cert and --tls-key, and let this user read the files',
    )
  }
}

function parseCertificate(pem: Buffer, file: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch {
    throw unusable(`${file} is no certificate in PEM`, 'name the file with the certificate chain in --tls-cert')
  }
}

/** The reason of a failure is not passed on: it may quote the file. */
function parseKey(pem: Buffer, file: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    throw unusable(
      `${file} is no private key in PEM, or it is encrypted`,
      'name the file with the unencrypted key in --tls-key',
    )
  }
}

function unusable(message: string, remedy: string): Fault {
  return new Fault('tls.unusable', message, remedy)
}

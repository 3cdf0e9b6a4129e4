import { createHash, X509Certificate, type KeyObject } from 'node:crypto'
import { TLSSocket } from 'node:tls'
import type { Socket } from 'node:net'

/**
 * The certificate whose private key the caller has: the other side of a connection, or whom a configured proxy had on the other side of its own. That, and nothing
 * else about it, has been checked: neither who issued it, nor for whom, nor whether it holds.
 */
export interface PresentedCertificate {
  /** SHA-256 of the DER, base64url: `x5t#S256` (RFC 8705 §3.1). */
  readonly thumbprint: string
  readonly x509: X509Certificate
  /**
   * What came with it, in the order in which it came; checked by nobody. The first few dozen: more than any way to an authority has. Empty on a
   * resumed connection, which brings none (RFC 8446 §2.2).
   */
  readonly chain: readonly X509Certificate[]
  /** SubjectPublicKeyInfo, DER, base64url; undefined for a key that OpenSSL cannot read. */
  readonly publicKey: string | undefined
}

/** Read once for each connection: none can change it, with neither renegotiation nor post-handshake authentication (RFC 8446 §4.6.2). */
const known = new WeakMap<Socket, PresentedCertificate>()

/** The certificate of a connection, resumed ones included; undefined without TLS, and when none came. */
export function presentedCertificate(socket: Socket): PresentedCertificate | undefined {
  const before = known.get(socket)
  if (before !== undefined) return before
  const x509 = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
  if (x509 === undefined) return undefined
  const presented = presentCertificate(x509)
  known.set(socket, presented)
  return presented
}

/** How many certificates of callers behind proxies are kept: about 5 MB. */
const maxRead = 1024

/** By their octets, and never by connection, which many callers share at a proxy. The one used longest ago goes first. */
const read = new Map<string, PresentedCertificate>()

/**
 * The certificate that a proxy handed on, DER; undefined for what is none, or has anything behind it. Kept for the next request with the same octets: reading one
 * costs as much as signing a token.
 */
export function readCertificate(der: Uint8Array): PresentedCertificate | undefined {
  const octets = Buffer.from(der.buffer, der.byteOffset, der.byteLength)
  const key = octets.toString('latin1')
  const before = read.get(key)
  const presented = before ?? parseCertificate(octets)
  if (presented === undefined) return undefined
  if (before !== undefined) read.delete(key)
  else if (read.size >= maxRead) for (const oldest of read.keys()) if (read.delete(oldest)) break
  read.set(key, presented)
  return presented
}

function parseCertificate(der: Buffer): PresentedCertificate | undefined {
  try {
    const x509 = new X509Certificate(der)
    return x509.raw.equals(der) ? presentCertificate(x509) : undefined
  } catch {
    return undefined
  }
}

function presentCertificate(x509: X509Certificate): PresentedCertificate {
  let publicKey: { readonly der: string | undefined } | undefined
  let chain: readonly X509Certificate[] | undefined
  return {
    x509,
    thumbprint: createHash('sha256').update(x509.raw).digest('base64url'),
    // Only when it is asked for: most certificates are recognised by their thumbprint.
    get publicKey() {
      publicKey ??= { der: publicKeyOf(x509)?.export({ format: 'der', type: 'spki' }).toString('base64url') }
      return publicKey.der
    },
    // Likewise: only a foreign authority's is looked at.
    get chain() {
      chain ??= certificatesBehind(x509)
      return chain
    },
  }
}

const maxChain = 32

/** node:tls hangs on each certificate the one that came after it, whoever issued it. */
function certificatesBehind(x509: X509Certificate): X509Certificate[] {
  const behind: X509Certificate[] = []
  for (
    let next = x509.issuerCertificate;
    next !== undefined && behind.length < maxChain;
    next = next.issuerCertificate
  ) {
    behind.push(next)
  }
  return behind
}

/** Undefined for a key that cannot be read, a point off its curve for example. */
export function publicKeyOf(x509: X509Certificate): KeyObject | undefined {
  try {
    return x509.publicKey
  } catch {
    return undefined
  }
}

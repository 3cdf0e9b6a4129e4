import type { EpochMs } from '@latchkey/protocol'
import type { Clock } from '../kernel/clock.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import type { Authority } from './authority.ts'
import type { CertificateReads } from './ports.ts'
import { openAuthority } from './sealed-authority.ts'
import { keyIdentifierOf, signatureAlgorithm, x509 } from './x509.ts'

/** A list holds for a day; a new one is signed long before, and as soon as anything was revoked. */
const holdsMs = 86_400_000
const renewMs = 3_600_000

/** RFC 5280 §5.2.3. */
const crlNumber = '2.5.29.20'

/** The revocation list of an authority, DER. */
export type RevocationList = (authority: Authority) => Promise<Buffer>

/**
 * Signs the revocation list of an authority (RFC 5280 §5), of one that was replaced too, when it is asked for: anew when something was revoked since, or after an hour. Its number
 * is the moment at which it was made, in milliseconds, so that it grows over every server without their agreeing on it.
 */
export function createRevocationList(reads: CertificateReads, dataKeys: DataKeys, clock: Clock): RevocationList {
  const lists = new Map<string, { readonly of: string; readonly at: EpochMs; readonly der: Buffer }>()
  return async (authority) => {
    const now = clock.now()
    const issuers = (await reads.authorities()).filter((each) => isSameIssuer(each, authority))
    const revoked = (await Promise.all(issuers.map(({ id }) => reads.revoked(id, now)))).flat()
    const of = JSON.stringify(revoked.map(({ serial }) => serial))
    const made = lists.get(authority.id)
    if (made?.of === of && now >= made.at && now - made.at < renewMs) return made.der
    const issuer = new x509.X509Certificate(authority.certificate)
    const signingKey = await openAuthority(dataKeys, authority)
    const list = await x509.X509CrlGenerator.create({
      issuer: issuer.subjectName,
      thisUpdate: new Date(now),
      nextUpdate: new Date(now + holdsMs),
      signingKey,
      signingAlgorithm: signatureAlgorithm(signingKey),
      extensions: [await keyIdentifierOf(issuer), new x509.Extension(crlNumber, false, derInteger(now))],
      entries: revoked.map(({ serial, revokedAt = now, revocationReason = 'unspecified' }) => ({
        serialNumber: serial,
        revocationDate: new Date(revokedAt),
        // Absent rather than zero (RFC 5280 §5.3.1).
        ...(revocationReason === 'unspecified' ? {} : { reason: x509.X509CrlReason[revocationReason] }),
      })),
    })
    const der = Buffer.from(list.rawData)
    lists.set(authority.id, { of, at: now, der })
    return der
  }
}

/** Of one name and key, as when an authority elsewhere certifies a key once more: whoever checks by a list takes either's for both (RFC 5280 §6.3.3). */
function isSameIssuer(one: Authority, other: Authority): boolean {
  if (one.id === other.id) return true
  const [first, second] = [new x509.X509Certificate(one.certificate), new x509.X509Certificate(other.certificate)]
  const isSame = (a: ArrayBuffer, b: ArrayBuffer): boolean => Buffer.from(a).equals(Buffer.from(b))
  const hasSameKey = isSame(first.publicKey.rawData, second.publicKey.rawData)
  return hasSameKey && isSame(first.subjectName.toArrayBuffer(), second.subjectName.toArrayBuffer())
}

/** A positive INTEGER (X.690 §8.3), shorter than 128 bytes. */
function derInteger(value: number): Uint8Array<ArrayBuffer> {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  const padded = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes
  return Uint8Array.from([2, padded.length, ...padded])
}

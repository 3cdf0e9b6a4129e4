import type { KeyObject } from 'node:crypto'

const strongCurves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

/** id-ecPublicKey (RFC 5480 §2.1.1), DER. */
const ecPublicKey = Buffer.from('06072a8648ce3d0201', 'hex')

/** Curves by their names alone (RFC 5480 §2.1.1): parameters that are spelled out can be nearly those of a good one. */
function isNamed(key: KeyObject): boolean {
  const der = key.export({ format: 'der', type: 'spki' })
  return der[der.indexOf(ecPublicKey) + ecPublicKey.length] === 0x06
}

/** Whether a public key has 112 bits of strength at least (NIST SP 800-57 part 1 §5.6.1), and is of a kind that TLS signs with. */
export function isStrongKey(key: KeyObject): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails = {} } = key
  switch (asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      return (asymmetricKeyDetails.modulusLength ?? 0) >= 2048
    case 'ec':
      return strongCurves.has(asymmetricKeyDetails.namedCurve ?? '') && isNamed(key)
    case 'ed25519':
    case 'ed448':
      return true
    default:
      return false
  }
}

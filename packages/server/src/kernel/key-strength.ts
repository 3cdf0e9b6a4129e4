import type { KeyObject } from 'node:crypto'

const strongCurves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

/** Whether a public key has 112 bits of strength at least (NIST SP 800-57 part 1 §5.6.1), and is of a kind that TLS signs with. */
export function isStrongKey({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): boolean {
  switch (asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      return (asymmetricKeyDetails.modulusLength ?? 0) >= 2048
    case 'ec':
      return strongCurves.has(asymmetricKeyDetails.namedCurve ?? '')
    case 'ed25519':
    case 'ed448':
      return true
    default:
      return false
  }
}

import { isTagged, oidOf, partsOf, readDer } from './der.ts'

/** Signatures with SHA-256 and more (RFC 8017, RFC 5758, RFC 8410). */
const strong: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.11', // sha256WithRSAEncryption
  '1.2.840.113549.1.1.12', // sha384WithRSAEncryption
  '1.2.840.113549.1.1.13', // sha512WithRSAEncryption
  '1.2.840.10045.4.3.2', // ecdsa-with-SHA256
  '1.2.840.10045.4.3.3', // ecdsa-with-SHA384
  '1.2.840.10045.4.3.4', // ecdsa-with-SHA512
  '1.3.101.112', // Ed25519
  '1.3.101.113', // Ed448
])
const rsaPss = '1.2.840.113549.1.1.10'
const strongHashes: ReadonlySet<string> = new Set([
  '2.16.840.1.101.3.4.2.1', // SHA-256
  '2.16.840.1.101.3.4.2.2', // SHA-384
  '2.16.840.1.101.3.4.2.3', // SHA-512
])

/** Whether a signature's AlgorithmIdentifier (DER) is not one that is believed: MD5, SHA-1, DSA, and whatever is not known. */
export function weakAlgorithm(der: Uint8Array): boolean {
  const [algorithm, parameters] = partsOf(readDer(der))
  const oid = oidOf(algorithm) ?? ''
  if (oid !== rsaPss) return !strong.has(oid)
  // RFC 4055 §3.1: the hash is the first parameter; without it, it is SHA-1.
  const hash = partsOf(parameters).find((each) => isTagged(each, 0))
  return !strongHashes.has(oidOf(partsOf(partsOf(hash)[0])[0]) ?? '')
}

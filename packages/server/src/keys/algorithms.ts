import { constants, generateKeyPair, sign, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { SigningAlgorithm } from '@latchkey/protocol'
import { Fault } from '../kernel/faults.ts'

export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** What node:crypto does for one JWS algorithm. */
interface AlgorithmSupport {
  /** In the thread pool: an RSA key takes tenths of a second. */
  readonly generate: () => Promise<KeyPair>
  /** Prepares a key, once, for signing many JWS inputs. */
  readonly signWith: (privateKey: KeyObject) => (input: Buffer) => Buffer
}

const generatePair = promisify(generateKeyPair)

/**
 * Bits of an RSA modulus: the least that RFC 7518 §3.3 allows. RS256 and PS256 are there for verifiers that know nothing else, and 3072 bits
 * halve the tokens a second (2,500 against 1,200 on one core) for a key that signs for 90 days; who wants 128 bits of strength has ES256,
 * EdDSA or ML-DSA-65.
 */
const rsaModulusBits = 2048

const algorithms: Readonly<Record<SigningAlgorithm, AlgorithmSupport>> = {
  // RFC 7518 §3.4
  ES256: {
    generate: () => generatePair('ec', { namedCurve: 'P-256' }),
    // A bare KeyObject: with an options object, for `dsaEncoding`, node:crypto signs a quarter slower (39,000 a second against 30,500).
    signWith: (key) => (input) => derToConcatenated(sign('sha256', input, key)),
  },
  // RFC 7518 §3.3
  RS256: {
    generate: () => generatePair('rsa', { modulusLength: rsaModulusBits }),
    signWith: (key) => (input) => sign('sha256', input, key),
  },
  // RFC 7518 §3.5: MGF1 with the same hash, and a salt as long as the hash.
  PS256: {
    generate: () => generatePair('rsa', { modulusLength: rsaModulusBits }),
    signWith(key) {
      const prepared = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
      return (input) => sign('sha256', input, prepared)
    },
  },
  // RFC 8037 §3.1, with Ed25519: hashes by itself.
  EdDSA: {
    generate: () => generatePair('ed25519'),
    signWith: (key) => (input) => sign(null, input, key),
  },
  // RFC 9964 §5: the pure form with an empty context.
  'ML-DSA-65': {
    generate: generateMlDsa,
    signWith: (key) => (input) => sign(null, input, key),
  },
}

/** Makes a key pair. Throws Fault `config.invalid` when this Node.js cannot: ML-DSA needs OpenSSL 3.5. */
export function generateSigningKeyPair(algorithm: SigningAlgorithm): Promise<KeyPair> {
  return algorithms[algorithm].generate()
}

/** Makes sure that this Node.js knows the algorithm, before anything relies on it. Throws Fault `config.invalid`. */
export async function requireAlgorithm(algorithm: SigningAlgorithm): Promise<void> {
  // The others are older than every Node.js that runs this.
  if (algorithm === 'ML-DSA-65') await generateMlDsa()
}

/** A function that signs JWS inputs (RFC 7515 §5.1) under the key, in the algorithm's JWS form. */
export function jwsSigner(algorithm: SigningAlgorithm, privateKey: KeyObject): (input: Buffer) => Buffer {
  return algorithms[algorithm].signWith(privateKey)
}

async function generateMlDsa(): Promise<KeyPair> {
  try {
    return await generatePair('ml-dsa-65')
  } catch (error) {
    throw new Fault(
      'config.invalid',
      `this Node.js (${process.version}) cannot make ML-DSA-65 keys`,
      'start a Node.js that is built with OpenSSL 3.5, or choose another --signing-algorithm',
      { cause: error },
    )
  }
}

/** Bytes of each half of a P-256 signature. */
const half = 32

/**
 * Turns an ECDSA signature from DER (RFC 3279 §2.2.3: SEQUENCE of two INTEGERs) into R || S, as JWS wants it (RFC 7518 §3.4). DER integers have no
 * leading zeros but the one that keeps them positive; R and S have exactly 32 bytes each.
 */
function derToConcatenated(der: Buffer): Buffer {
  const out = Buffer.alloc(2 * half)
  // 30 <length> 02 <length> R 02 <length> S; a P-256 signature is under 128 bytes, so every length is one byte.
  const rLength = der[3] ?? 0
  const sLength = der[5 + rLength] ?? 0
  copyInteger(der, 4, rLength, out, half)
  copyInteger(der, 6 + rLength, sLength, out, 2 * half)
  return out
}

function copyInteger(der: Buffer, start: number, length: number, out: Buffer, end: number): void {
  const skip = length > half ? length - half : 0
  der.copy(out, end - (length - skip), start + skip, start + length)
}

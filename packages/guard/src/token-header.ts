import { accessTokenType } from '@latchkey/protocol'
import { decodeProtectedHeader } from 'jose'
import { fail, pass, type Step } from './step.ts'
import type { VerificationAlgorithm } from './verification-algorithm.ts'

/** What the header of a token says about its signature. Unverified. */
export interface TokenHeader {
  readonly keyId: string
  readonly algorithm: VerificationAlgorithm
}

/** Three non-empty base64url parts (RFC 7515 §7.1). */
const compactForm = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/**
 * Reads the header of a compact JWS and decides whether its signature is worth checking: `typ` (RFC 9068 §2.1, §4), `alg` among `algorithms`,
 * no `crit` (RFC 7515 §4.1.11: we understand no extension), and a `kid`.
 * `jwk`, `jku`, `x5c` and `x5u` are never looked at: a token does not choose the key that vouches for it. Does not check the signature.
 */
export function readTokenHeader(token: string, algorithms: readonly VerificationAlgorithm[]): Step<TokenHeader> {
  // An unsigned token ends in an empty signature: let it fail as what it is, and not for its form.
  const isCompact = compactForm.test(token)
  const header = isCompact ? decodeOnce(token) : decode(token)
  if (header === undefined) return fail('token.malformed')
  const algorithm = algorithms.find((accepted) => accepted === header['alg'])
  if (algorithm === undefined) return fail('token.algorithm')
  if (!isCompact || !hasCanonicalSignature(token)) return fail('token.malformed')
  if (!isAccessTokenType(header['typ'])) return fail('token.type')
  if (Object.hasOwn(header, 'crit')) return fail('token.critical_header')
  const keyId = header['kid']
  if (typeof keyId !== 'string' || keyId === '') return fail('token.unknown_key', 'kid is missing')
  return pass({ keyId, algorithm })
}

/** Headers that were decoded, by the first part of tokens in compact form: those of one key are the same letter for letter. */
const decoded = new Map<string, Readonly<Record<string, unknown>>>()
const mostDecoded = 16
const longestDecoded = 512

function decodeOnce(token: string): Readonly<Record<string, unknown>> | undefined {
  const part = token.slice(0, token.indexOf('.'))
  const before = decoded.get(part)
  if (before !== undefined) return before
  const header = decode(token)
  if (header !== undefined && part.length <= longestDecoded) {
    // Whoever fills it with headers of their own costs others a little time, and nothing else.
    if (decoded.size >= mostDecoded) decoded.clear()
    decoded.set(part, header)
  }
  return header
}

function decode(token: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return decodeProtectedHeader(token)
  } catch {
    return undefined
  }
}

/** Media type names are case-insensitive, and `application/` may be left out (RFC 7515 §4.1.9). */
function isAccessTokenType(typ: unknown): boolean {
  if (typeof typ !== 'string') return false
  const name = typ.toLowerCase()
  return name === accessTokenType || name === `application/${accessTokenType}`
}

/**
 * The last base64url digit of a signature may hold unused bits, which decoders skip (RFC 4648 §3.5). With them one signature would have several
 * spellings, so that a token that was noted down could come back as another one.
 */
function hasCanonicalSignature(token: string): boolean {
  const digits = token.length - token.lastIndexOf('.') - 1
  const digitsOver = digits % 4
  return digitsOver === 0 || (lastDigits[digitsOver]?.includes(token.at(-1) ?? '-') ?? false)
}

/** The last digits of so many (modulo 4) whose unused bits are zero: 4 or 2 of them. No number of octets is written with one digit too many. */
const lastDigits: Readonly<Record<number, string>> = { 2: 'AQgw', 3: 'AEIMQUYcgkosw048' }

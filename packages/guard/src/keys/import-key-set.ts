import { importJWK, type CryptoKey, type JWK } from 'jose'
import type { VerificationAlgorithm } from '../verification-algorithm.ts'
import type { KeyFailureReason, KeyIgnored } from './key-failure.ts'
import type { VerificationKey } from './verification-keys.ts'

export type ImportedKeySet =
  | { readonly ok: true; readonly keys: ReadonlyMap<string, VerificationKey>; readonly ignored: readonly KeyIgnored[] }
  | { readonly ok: false; readonly reason: KeyFailureReason }

type Candidate =
  | { readonly ok: true; readonly key: VerificationKey }
  | { readonly ok: false; readonly ignored: KeyIgnored }

/** Members that only a private or symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 9964). */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/**
 * Imports the usable keys of a JWK set (RFC 7517 §5): public, with a `kid` of their own, an `alg` among `algorithms`, and not meant for
 * something other than verifying. Others are ignored and reported; a set with no usable key is no key set.
 */
export async function importKeySet(
  document: unknown,
  algorithms: readonly VerificationAlgorithm[],
): Promise<ImportedKeySet> {
  const members: unknown = isRecord(document) ? document['keys'] : undefined
  if (!Array.isArray(members)) return { ok: false, reason: 'jwks.not_a_key_set' }

  const candidates = await Promise.all(members.map((member, index) => importMember(member, index, algorithms)))
  const ignored = candidates.flatMap((candidate) => (candidate.ok ? [] : [candidate.ignored]))
  const keys = new Map<string, VerificationKey>()
  for (const [index, candidate] of candidates.entries()) {
    if (!candidate.ok) continue
    // A kid that stands for two keys (even where one is unusable) names neither.
    const repeated = members.some(
      (other, at) => at !== index && isRecord(other) && other['kid'] === candidate.key.keyId,
    )
    if (repeated) ignored.push({ index, reason: 'repeated_key_id' })
    else keys.set(candidate.key.keyId, candidate.key)
  }
  return keys.size === 0 ? { ok: false, reason: 'jwks.no_usable_key' } : { ok: true, keys, ignored }
}

async function importMember(
  jwk: unknown,
  index: number,
  algorithms: readonly VerificationAlgorithm[],
): Promise<Candidate> {
  const ignore = (reason: KeyIgnored['reason']): Candidate => ({ ok: false, ignored: { index, reason } })
  if (!isRecord(jwk)) return ignore('not_an_object')
  const keyId = jwk['kid']
  if (typeof keyId !== 'string' || keyId === '') return ignore('no_key_id')
  // A published private key is everybody's, so its signatures say nothing.
  if (jwk['kty'] === 'oct' || secretMembers.some((name) => Object.hasOwn(jwk, name)))
    return ignore('private_or_symmetric')
  if (!isForVerifying(jwk)) return ignore('not_for_signatures')
  const algorithm = algorithms.find((accepted) => accepted === jwk['alg'])
  if (algorithm === undefined) return ignore('algorithm_not_accepted')
  try {
    const key = (await importJWK(jwk as JWK, algorithm)) as CryptoKey
    return { ok: true, key: { keyId, algorithm, key } }
  } catch {
    return ignore('not_importable')
  }
}

/** `use` and `key_ops` are optional; one that is there has to agree (RFC 7517 §4.2, §4.3). */
function isForVerifying(jwk: Readonly<Record<string, unknown>>): boolean {
  const { use, key_ops: operations } = jwk
  if (use !== undefined && use !== 'sig') return false
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

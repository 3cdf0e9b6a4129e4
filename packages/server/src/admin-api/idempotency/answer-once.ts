import { createHash } from 'node:crypto'
import type { EpochMs, Scope } from '@latchkey/protocol'
import type { Change } from '../../audit/change.ts'
import { done } from '../../kernel/result.ts'
import type { DataKeys } from '../../keys/data-keys.ts'
import { seal, unseal } from '../../keys/sealing.ts'
import { beyondRefusal, scopeBeyond } from '../access/authority.ts'
import type { Authority } from '../access/caller.ts'
import { ProblemError } from '../problem.ts'
import { canonicalJson } from './canonical-json.ts'
import type { AnswerWrites } from './ports.ts'

/** How long an answer can be had again, in milliseconds. */
const keptMs = 86_400_000

/** One create with its idempotency key (draft-ietf-httpapi-idempotency-key-header-07). */
export interface Attempt {
  readonly actor: string
  /** Absent: no admin scope. */
  readonly authority: Authority
  readonly key: string
  /** `clients.create`. */
  readonly operation: string
  /** Path parameters and body, as they arrived. */
  readonly input: unknown
}

/** What is sealed: the request, to tell another one under the same key, and what the change came to. */
interface Kept {
  readonly request: string
  /** The admin scopes of the token that it was done with: what was made may hold as much. */
  readonly scopes: readonly Scope[]
  readonly value: unknown
}

/**
 * A change that is made once for each key of a caller within 24 hours; asked again, it comes to the same value and does nothing. What it came to is
 * kept in the transaction of the change itself, so there is no moment at which one is there without the other, in any process. Changes run one
 * at a time: a repetition that arrives while the first is under way waits for it, and then gets its answer.
 *
 * The value may hold a secret that is shown once. It is sealed under a key derived from the caller's own, of which only a keyed digest is
 * stored: the database does not open it, and neither does the master key. A caller's token that has become smaller gets no answer of the larger one.
 * Throws ProblemError `idempotency.mismatch`; refuses with `access.beyond_own`.
 */
export function answerOnce<Tx extends { readonly answers: AnswerWrites }>(
  change: Change<Tx>,
  dataKeys: DataKeys,
  attempt: Attempt,
): Change<Tx> {
  let isUsed = false
  return async (context, work) => {
    // A second change would be answered with the value of the first.
    if (isUsed) throw new Error(`${attempt.operation} takes an idempotency key and makes more than one change`)
    isUsed = true
    const digest = digestOf(dataKeys, attempt)
    const request = createHash('sha256')
      .update(canonicalJson([attempt.operation, attempt.input]))
      .digest('base64url')
    const { authority } = attempt
    // The local socket's answers are its own: no token has its name.
    const scopes = authority === 'all' ? [] : [...authority]
    let kept: Kept | undefined
    const result = await change(context, async (tx) => {
      await tx.answers.removeExpired(context.now)
      const found = await tx.answers.find(digest)
      if (found !== undefined) {
        const opened = open(attempt.key, digest, found.sealed)
        if (opened.request !== request) throw mismatch()
        const beyond = scopeBeyond(authority, opened.scopes)
        if (beyond !== undefined) {
          // The operation's own refusals are of this type too; only its caller knows that.
          return {
            ok: false,
            refusal: beyondRefusal(`it was done by a token with ${beyond}, which this one lacks`) as never,
          }
        }
        kept = opened
        // Nothing has been written: leaving as a refusal rolls back, and makes no audit row.
        return { ok: false, refusal: undefined as never }
      }
      const outcome = await work(tx)
      if (outcome.ok) {
        const plain = Buffer.from(JSON.stringify({ request, scopes, value: outcome.value } satisfies Kept))
        const sealed = seal(Buffer.from(attempt.key), 'idempotent-answer', digest, plain)
        await tx.answers.insert({ digest, sealed, expiresAt: (context.now + keptMs) as EpochMs })
      }
      return outcome
    })
    // The value is plain data: what JSON brings back is what went in.
    return kept === undefined ? result : done(kept.value as never)
  }
}

/** Bound to the caller: two callers may choose the same key. */
function digestOf(dataKeys: DataKeys, { actor, key }: Attempt): string {
  const id = dataKeys.current('audit-mac')
  const hashed = createHash('sha256').update(key).digest()
  return dataKeys.hmac('audit-mac', id, `latchkey idempotency key\n${actor}\n`, hashed).toString('base64url')
}

function open(key: string, digest: string, sealed: string): Kept {
  const plain = unseal(Buffer.from(key), 'idempotent-answer', digest, sealed)
  if (plain === undefined) throw new Error('a kept answer does not open with the key that it was kept under')
  return JSON.parse(plain.toString()) as Kept
}

function mismatch(): ProblemError {
  return new ProblemError('idempotency.mismatch', {
    detail: 'another request was sent with this Idempotency-Key within the last 24 hours',
    field: 'Idempotency-Key',
    errors: [{ in: 'header', field: 'Idempotency-Key', message: 'used for another request' }],
  })
}

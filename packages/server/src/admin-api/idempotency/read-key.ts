import type { IncomingMessage } from 'node:http'
import { idempotencyKeyPattern } from '@latchkey/admin-contract'
import { invalidRequest } from '../invalid-request.ts'

/**
 * The idempotency key of a request; undefined when it has none. Taken with or without the quotes of a structured field (the draft wants them, few
 * send them). Throws ProblemError `request.invalid` for one that is malformed, and on operations that take none: to drop it silently would let
 * the caller believe that repeating is safe.
 */
export function readIdempotencyKey(message: IncomingMessage, isTaken: boolean): string | undefined {
  const sent = message.headers['idempotency-key']
  if (sent === undefined) return undefined
  if (!isTaken) throw refuse('this operation takes none: it makes nothing')
  const key = typeof sent === 'string' ? /^("?)(.*)\1$/.exec(sent)?.[2] : undefined
  if (key === undefined || !idempotencyKeyPattern.test(key)) {
    throw refuse('expected 22 to 128 of A-Z a-z 0-9 . _ ~ : / + = -, made at random for each attempt')
  }
  return key
}

function refuse(message: string) {
  return invalidRequest([{ path: ['headers', 'Idempotency-Key'], message }])
}

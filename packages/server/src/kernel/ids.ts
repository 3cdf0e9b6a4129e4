import type { Brand, EpochMs } from '@latchkey/protocol'
import type { Random } from './random.ts'

/** Names one HTTP exchange in answers, logs and the audit log: 26 characters that sort by time (see {@link newRequestId}). */
export type RequestId = Brand<string, 'RequestId'>

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const lowercase = '0123456789abcdefghijklmnopqrstuvwxyz'
const crockford = '0123456789abcdefghjkmnpqrstvwxyz'

/** `length` uniformly random base62 digits, 5.95 bits each. */
export function randomBase62(random: Random, length: number): string {
  return randomDigits(random, base62, length)
}

/** `length` uniformly random digits of `0-9a-z`, 5.17 bits each: for names that may meet a file system or a database that folds case. */
export function randomLowercase(random: Random, length: number): string {
  return randomDigits(random, lowercase, length)
}

/**
 * A request id: 10 digits of time in milliseconds, then 80 random bits, in Crockford's base 32.
 * Since ids begin with the time, the audit log can be searched for one without an index.
 */
export function newRequestId(random: Random, now: EpochMs): RequestId {
  let time = ''
  let rest: number = now
  for (let i = 0; i < 10; i++) {
    time = crockford.charAt(rest % 32) + time
    rest = Math.floor(rest / 32)
  }
  const bytes = random.bytes(16)
  let tail = ''
  for (let i = 0; i < 16; i++) tail += crockford.charAt((bytes[i] ?? 0) & 31)
  return (time + tail) as RequestId
}

/** The moment at which a request id was made; `undefined` when this cannot be one. */
export function timeOfRequestId(id: string): EpochMs | undefined {
  if (!/^[0-9a-hjkmnp-tv-z]{26}$/.test(id)) return undefined
  let ms = 0
  for (let i = 0; i < 10; i++) ms = ms * 32 + crockford.indexOf(id.charAt(i))
  return ms as EpochMs
}

/** Rejects bytes beyond the largest multiple of the alphabet's size, so that every digit is equally likely. */
function randomDigits(random: Random, alphabet: string, length: number): string {
  const limit = 256 - (256 % alphabet.length)
  let out = ''
  while (out.length < length) {
    for (const byte of random.bytes(length - out.length + 4)) {
      if (byte < limit && out.length < length) out += alphabet.charAt(byte % alphabet.length)
    }
  }
  return out
}

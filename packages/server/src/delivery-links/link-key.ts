import { createHash, timingSafeEqual } from 'node:crypto'
import type { Random } from '../kernel/random.ts'

/** A key of 256 random bits, base64url: 43 characters. Whoever has it is believed; only its digest is kept. */
export function makeKey(random: Random): string {
  return Buffer.from(random.bytes(32)).toString('base64url')
}

/** SHA-256, base64url. Not slow and not salted: there is nothing to guess in 256 random bits. */
export function digestKey(key: string): string {
  return createHash('sha256').update(key).digest('base64url')
}

/** A digest that no key has: what is compared with when there is nothing, so that both take the same time. */
const nobodys = digestKey('')

/** Whether `key` is the one that the digest was made of; of an absent digest none is. In constant time. */
export function isKeyOf(key: string, digest: string | undefined): boolean {
  const same = timingSafeEqual(Buffer.from(digestKey(key)), Buffer.from(digest ?? nobodys))
  return same && digest !== undefined
}

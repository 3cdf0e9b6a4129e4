import { timingSafeEqual } from 'node:crypto'
import type { Random } from '../kernel/random.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import type { DeliveryLink, LinkId } from './link.ts'

/** Wrong codes that a link survives are fewer than this. */
export const maxWrongCodes = 5

const digits = 8

/** Eight random digits. With five attempts for each link one in twenty million guessers comes through, and he needs the link's key first. */
export function makeCode(random: Random): string {
  let code = ''
  while (code.length < digits) {
    // Bytes from 250 on would make some digits likelier.
    for (const byte of random.bytes(digits * 2)) if (byte < 250 && code.length < digits) code += byte % 10
  }
  return code
}

/** As it is read to somebody: `1234 5678`. */
export function formatCode(code: string): string {
  return `${code.slice(0, digits / 2)} ${code.slice(digits / 2)}`
}

/**
 * HMAC-SHA-256 under the data key that also digests secrets, base64url: eight digits could be tried out against a plain digest. The prefix keeps
 * it apart from every secret, and the id from the codes of other links.
 */
export function digestCode(dataKeys: DataKeys, keyId: string, id: LinkId, code: string): string {
  return dataKeys.hmac('secret-hmac', keyId, `delivery-link-code:${id}:${code}`).toString('base64url')
}

/** Whether the code, however it was spaced, is this link's. */
export function isCodeOf(dataKeys: DataKeys, link: DeliveryLink, code: string): boolean {
  const { id, codeDigest, codeDigestKeyId } = link
  if (codeDigest === undefined || codeDigestKeyId === undefined) return true
  const given = Buffer.from(digestCode(dataKeys, codeDigestKeyId, id, code.replaceAll(/[\s-]/g, '')))
  return timingSafeEqual(given, Buffer.from(codeDigest))
}

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/*
 * Sealing: HKDF-SHA-256 derives a key for one purpose and one name, AES-256-GCM encrypts under it, and the name is authenticated with it,
 * so that a sealed value moved to another row, or read for another purpose, does not open.
 * Form: version byte 1, 12 bytes of nonce, ciphertext, 16 bytes of tag; base64url.
 */
const version = 1
const nonceBytes = 12
const tagBytes = 16

/** What a value is sealed for. Part of the derived key. */
export type SealPurpose =
  | 'data-key'
  /** A private half alone, named by its kid: how the first version sealed signing keys. */
  | 'signing-key'
  /** A private half, or nothing, named by everything else in its row. */
  | 'signing-key-row'
  /** What a create came to, under a key that only its caller holds. */
  | 'idempotent-answer'
  /** The private key of a certificate authority, named by the certificate. */
  | 'authority'
  /** A message that waits to be sent, with its recipient. */
  | 'notice'

/** Seals `plain` under the 32-byte `key`, for this purpose and this name. */
export function seal(key: Uint8Array, purpose: SealPurpose, name: string, plain: Uint8Array): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', derive(key, purpose, name), nonce, { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(name))
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([Buffer.of(version), nonce, body, cipher.getAuthTag()]).toString('base64url')
}

/** Opens what {@link seal} made; `undefined` when key, purpose or name differ or a bit was changed. */
export function unseal(key: Uint8Array, purpose: SealPurpose, name: string, sealed: string): Buffer | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  if (bytes.length < 1 + nonceBytes + tagBytes || bytes[0] !== version) return undefined
  const nonce = bytes.subarray(1, 1 + nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', derive(key, purpose, name), nonce, { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(name))
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(1 + nonceBytes, bytes.length - tagBytes)), decipher.final()])
  } catch {
    return undefined
  }
}

function derive(key: Uint8Array, purpose: SealPurpose, name: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, name, `latchkey ${purpose}`, 32))
}

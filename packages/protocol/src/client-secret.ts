import { crc32 } from 'node:zlib'

/** What can be read off a client secret without any key. */
export interface ClientSecretParts {
  /** The environment that made it: 1 to 16 of `a-z 0-9`. */
  readonly environment: string
  /** Names the credential within its client; says nothing about who the client is. */
  readonly credentialId: string
}

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const form = /^lk_([a-z0-9]{1,16})_([A-Za-z0-9]{8,32})_[A-Za-z0-9]{43}_([A-Za-z0-9]{6})$/

/** Characters of randomness in a secret: 43 base62 digits hold 256 bits. */
export const secretRandomLength = 43

/** Whether this may be the `<env>` of a secret. */
export function isEnvironmentName(value: string): boolean {
  return /^[a-z0-9]{1,16}$/.test(value)
}

/**
 * Writes a secret: `lk_<env>_<id>_<43 base62>_<6 base62 CRC32>`. The checksum lets a scanner tell a real secret from a look-alike
 * without asking anyone; it protects nothing.
 */
export function formatClientSecret(environment: string, credentialId: string, random: string): string {
  const body = `lk_${environment}_${credentialId}_${random}`
  return `${body}_${checksum(body)}`
}

/**
 * Reads a secret's parts; `undefined` when form or checksum is wrong. Does not check that such a credential exists or that the secret is right.
 */
export function parseClientSecret(value: string): ClientSecretParts | undefined {
  const match = form.exec(value)
  if (match === null) return undefined
  const [, environment, credentialId, sum] = match
  if (environment === undefined || credentialId === undefined) return undefined
  return checksum(value.slice(0, value.length - 7)) === sum ? { environment, credentialId } : undefined
}

function checksum(body: string): string {
  let rest = crc32(body)
  let digits = ''
  for (let i = 0; i < 6; i++) {
    digits = base62.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

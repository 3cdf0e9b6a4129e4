import type { Random } from '../kernel/random.ts'
import type { Serial } from './certificate.ts'

/** 127 random bits of 128: positive, and always sixteen bytes (RFC 5280 §4.1.2.2). */
export function newSerial(random: Random): Serial {
  const bytes = Buffer.from(random.bytes(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex') as Serial
}

import { randomFillSync } from 'node:crypto'

/** The only source of unpredictable bytes. Tests hand in a seeded one. */
export interface Random {
  /** A fresh array of `length` bytes. */
  bytes(length: number): Uint8Array
}

/** Bytes fetched from the operating system at a time: a call for 16 bytes costs a tenth from a pool of this size. */
const poolBytes = 8192

/** Bytes of the operating system's generator. Each byte is handed out once and wiped from the pool. */
export function systemRandom(): Random {
  const pool = new Uint8Array(poolBytes)
  let used = poolBytes
  return {
    bytes(length) {
      if (length > poolBytes) return randomFillSync(new Uint8Array(length))
      if (used + length > poolBytes) {
        randomFillSync(pool)
        used = 0
      }
      const out = pool.slice(used, used + length)
      pool.fill(0, used, used + length)
      used += length
      return out
    },
  }
}

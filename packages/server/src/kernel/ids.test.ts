import type { EpochMs } from '@latchkey/protocol'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom, startMs } from './fixed-surroundings.test.support.ts'
import { newRequestId, randomBase62, randomLowercase, timeOfRequestId } from './ids.ts'
import { systemRandom, type Random } from './random.ts'

describe('request ids', () => {
  test('tell their moment, sort by it, and are 26 digits', () => {
    const random = seededRandom('ids')
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 - 1 }), fc.integer({ min: 0, max: 2 ** 50 - 1 }), (a, b) => {
        const [first, second] = [newRequestId(random, a as EpochMs), newRequestId(random, b as EpochMs)]
        expect(first).toMatch(/^[0-9a-hjkmnp-tv-z]{26}$/)
        expect(timeOfRequestId(first)).toBe(a)
        if (a !== b) expect(first < second).toBe(a < b)
      }),
    )
  })

  test('of one moment differ', () => {
    const random = seededRandom('ids')
    const ids = Array.from({ length: 1000 }, () => newRequestId(random, startMs))
    expect(new Set(ids).size).toBe(1000)
    for (let digit = 10; digit < 26; digit++)
      expect(new Set(ids.map((id) => id[digit])).size, `digit ${digit}`).toBe(32)
  })

  test.each([
    '',
    '0'.repeat(25),
    '0'.repeat(27),
    `${'0'.repeat(25)}i`,
    `${'0'.repeat(25)}L`,
    `${'0'.repeat(26)}\n`,
    'ü'.repeat(26),
  ])('%j is none', (text) => {
    expect(timeOfRequestId(text)).toBeUndefined()
  })
})

describe('random digits', () => {
  /** Bytes that count up: each value equally often. */
  function counting(): Random {
    let next = 0
    return { bytes: (length) => Uint8Array.from({ length }, () => next++ % 256) }
  }

  test.each([
    ['base62', randomBase62, 62, /^[0-9A-Za-z]+$/],
    ['lower case', randomLowercase, 36, /^[0-9a-z]+$/],
  ] as const)('%s: every digit equally likely', (_, make, size, form) => {
    const digits = make(counting(), size * 400)
    expect(digits).toMatch(form)
    const counts = [...Map.groupBy(digits, (digit) => digit).values()].map((found) => found.length)
    expect(counts).toHaveLength(size)
    // One round of 256 bytes gives each digit as often as any other; only the last round is cut short.
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(Math.floor(256 / size))
  })

  test.each([0, 1, 16, 43, 100])('exactly as many as asked for: %d', (length) => {
    expect(randomBase62(seededRandom('digits'), length)).toHaveLength(length)
    expect(randomLowercase(seededRandom('digits'), length)).toHaveLength(length)
  })
})

describe('the system’s bytes', () => {
  test('never come twice, over the end of the pool and beyond its size', () => {
    const random = systemRandom()
    const seen = new Set<string>()
    for (let i = 0; i < 2000; i++) seen.add(Buffer.from(random.bytes(16)).toString('hex'))
    expect(seen.size).toBe(2000)
    for (const length of [0, 1, 8191, 8192, 8193, 20_000]) {
      const bytes = random.bytes(length)
      expect(bytes).toHaveLength(length)
      if (length > 1000) expect(new Set(bytes).size).toBe(256)
    }
  })

  test('belong to who asked: later ones do not change them', () => {
    const random = systemRandom()
    const first = random.bytes(32)
    const copy = Uint8Array.from(first)
    first.fill(0)
    expect(random.bytes(32)).not.toEqual(first)
    const second = random.bytes(32)
    for (let i = 0; i < 1000; i++) random.bytes(32)
    expect(second).not.toEqual(copy)
    expect(second.some((byte) => byte !== 0)).toBe(true)
  })
})

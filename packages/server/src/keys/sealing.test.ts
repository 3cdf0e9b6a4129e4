import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seal, unseal } from './sealing.ts'

const key = randomBytes(32)
const plain = Buffer.from('what is sealed')
const sealed = seal(key, 'data-key', 'name', plain)

describe('sealing', () => {
  test('opens with the same key, purpose and name', () => {
    expect(unseal(key, 'data-key', 'name', sealed)).toEqual(plain)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (bytes, name) => {
        expect(unseal(key, 'signing-key', name, seal(key, 'signing-key', name, bytes))).toEqual(Buffer.from(bytes))
      }),
      { numRuns: 50 },
    )
  })

  test('never seals alike twice, and shows nothing of what is in it', () => {
    const many = Array.from({ length: 100 }, () => seal(key, 'data-key', 'name', plain))
    expect(new Set(many).size).toBe(100)
    expect(new Set(many.map((text) => text.slice(2, 18))).size).toBe(100)
    expect(Buffer.from(sealed, 'base64url').includes(plain)).toBe(false)
    expect(sealed).toMatch(/^[\w-]+$/)
  })

  test('another key, purpose or name does not open it', () => {
    for (const other of [randomBytes(32), Buffer.alloc(32), key.toReversed()]) {
      expect(unseal(other, 'data-key', 'name', sealed)).toBeUndefined()
    }
    expect(unseal(key, 'signing-key', 'name', sealed)).toBeUndefined()
    for (const name of ['', 'nam', 'name ', 'Name', 'name\0'])
      expect(unseal(key, 'data-key', name, sealed)).toBeUndefined()
  })

  test('no bit can be changed', () => {
    const bytes = Buffer.from(sealed, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(unseal(key, 'data-key', 'name', changed.toString('base64url')), `bit ${bit}`).toBeUndefined()
    }
  })

  test('nothing can be cut off or put on, and what is none does not open', () => {
    const bytes = Buffer.from(sealed, 'base64url')
    for (let length = 0; length < bytes.length; length++) {
      expect(unseal(key, 'data-key', 'name', bytes.subarray(0, length).toString('base64url'))).toBeUndefined()
      expect(unseal(key, 'data-key', 'name', bytes.subarray(length + 1).toString('base64url'))).toBeUndefined()
    }
    const longer = Buffer.concat([bytes, Buffer.of(0)]).toString('base64url')
    for (const text of [longer, '', 'not base64url!', '{}', plain.toString()]) {
      expect(unseal(key, 'data-key', 'name', text)).toBeUndefined()
    }
  })
})

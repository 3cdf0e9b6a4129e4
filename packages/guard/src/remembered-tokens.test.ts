import { expect, test } from 'vitest'
import type { VerificationKey } from './keys/verification-keys.ts'
import { RememberedTokens } from './remembered-tokens.ts'
import type { TokenFacts } from './token-claims.ts'

const token = { key: {} as VerificationKey, facts: {} as TokenFacts }

test('it is bounded: what was not used for longest is forgotten first', () => {
  const remembered = new RememberedTokens(100)
  for (let i = 0; i < 10_000; i++) {
    remembered.keep(`digest-${i}`, token)
    // Used all the time.
    expect(remembered.find('digest-0')).toBe(token)
  }
  const known = Array.from({ length: 10_000 }, (_, i) => remembered.find(`digest-${i}`)).filter((each) => each)
  expect(known.length).toBeLessThanOrEqual(100)
  expect(remembered.find('digest-9999')).toBe(token)
  expect(remembered.find('digest-5000')).toBeUndefined()
})

test('0: nothing is remembered, and nothing is digested', () => {
  const remembered = new RememberedTokens(0)
  const digest = remembered.digestOf('token')
  expect(digest).toBeUndefined()
  remembered.keep(digest, token)
  expect(remembered.find(digest)).toBeUndefined()
})

test('by a digest, and never by the token itself', () => {
  const remembered = new RememberedTokens(10)
  expect(remembered.digestOf('one')).toMatch(/^[A-Za-z0-9_-]{43}$/)
  expect(remembered.digestOf('one')).not.toBe(remembered.digestOf('two'))
})

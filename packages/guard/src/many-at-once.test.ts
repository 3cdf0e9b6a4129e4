import { mock } from 'node:test'
import { generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGuard, type Guard } from './guard.ts'
import { audience, readScope } from './protected-api.test.support.ts'
import type { RouteRequirement } from './route-requirement.ts'
import { startTestIssuer, type TestIssuer } from './testing.ts'

/* Signatures of calls that come together are verified in a row: nobody may be given another's answer. */

let issuer: TestIssuer
let guard: Guard
let requirement: RouteRequirement

beforeAll(async () => {
  issuer = await startTestIssuer({ audience, scope: readScope })
  guard = createGuard({ issuer: issuer.issuer, audience, resourceServer: 'configurations' })
  requirement = guard.declare({ scopes: [readScope] })
  await guard.start()
})
afterAll(async () => {
  await guard.close()
  await issuer.close()
})

/** What became of a token: its client, or why not. */
async function outcome(token: string): Promise<string> {
  const verdict = await guard.verify({ authorization: [`Bearer ${token}`] }, requirement)
  return verdict.ok ? verdict.access.clientId : verdict.refusal.reason
}

/** A good header and payload with a signature that is somebody else's. */
async function forged(): Promise<string> {
  const [header = '', payload = ''] = (await issuer.sign()).split('.')
  const { privateKey } = await generateKeyPair('ES256')
  const other = await new SignJWT({}).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
  return `${header}.${payload}.${other.split('.')[2]}`
}

test.for([1, 7, 8, 9, 100])('of %d calls at once each is answered for its own token', async (calls) => {
  const tokens = await Promise.all(
    Array.from({ length: calls }, async (_, i) => {
      if (i % 4 === 1) return { token: await forged(), expected: 'token.signature' }
      if (i % 4 === 2) return { token: await issuer.sign({ aud: 'https://other.example' }), expected: 'token.audience' }
      if (i % 4 === 3) return { token: (await issuer.sign()).slice(0, -22), expected: 'token.signature' }
      return { token: await issuer.sign({ client_id: `client-${i}` }), expected: `client-${i}` }
    }),
  )
  const outcomes = await Promise.all(tokens.map(({ token }) => outcome(token)))
  expect(outcomes).toEqual(tokens.map(({ expected }) => expected))
  // And no other when they come again, one by one, and are remembered in part.
  for (const { token, expected } of tokens) expect(await outcome(token)).toBe(expected)
})

test('one that waits for the others of its turn is not held up by those that come later', async () => {
  const first = outcome(await issuer.sign({ client_id: 'first' }))
  const over = new AbortController()
  const later: Promise<string>[] = []
  const keepAsking = async () => {
    while (!over.signal.aborted && later.length < 2000) {
      later.push(outcome(await issuer.sign()))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const asking = keepAsking()
  expect(await first).toBe('first')
  over.abort()
  expect(later.length).toBeLessThan(100)
  await asking
  await Promise.all(later)
})

test("an API's test that holds the timers does not hold the guard", async () => {
  // A new key: the guard has made nothing ready for it.
  await issuer.rotate()
  const token = await issuer.sign({ client_id: 'first' })
  mock.timers.enable({ apis: ['setImmediate'] })
  try {
    expect(await outcome(token)).toBe('first')
  } finally {
    mock.timers.reset()
  }
})

test('what one guard has read of a header lets nothing pass at another that takes other algorithms', async () => {
  const token = await issuer.sign()
  expect(await outcome(token)).not.toMatch(/token\./)
  const strict = createGuard({
    issuer: issuer.issuer,
    audience,
    resourceServer: 'configurations',
    algorithms: ['EdDSA'],
  })
  const verdict = await strict.verify({ authorization: [`Bearer ${token}`] }, strict.declare({ scopes: [readScope] }))
  expect(verdict).toMatchObject({ ok: false, refusal: { reason: 'token.algorithm' } })
  await strict.close()
})

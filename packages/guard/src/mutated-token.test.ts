import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGuard, type Guard } from './guard.ts'
import { audience, readScope } from './protected-api.test.support.ts'
import type { RouteRequirement } from './route-requirement.ts'
import { startTestIssuer, type TestIssuer } from './testing.ts'

let issuer: TestIssuer
let guard: Guard
let requirement: RouteRequirement
let token: string

beforeAll(async () => {
  issuer = await startTestIssuer({ audience, scope: readScope })
  guard = createGuard({ issuer: issuer.issuer, audience, resourceServer: 'configurations' })
  requirement = guard.declare({ scopes: [readScope] })
  token = await issuer.sign()
})
afterAll(() => issuer.close())

async function verifies(authorization: string): Promise<boolean> {
  const verdict = await guard.verify({ authorization: [authorization] }, requirement)
  if (!verdict.ok && verdict.refusal.reason === 'guard.fault') throw new Error(`fault on ${authorization}`)
  return verdict.ok
}

const base64urlDigits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const digit = fc.constantFrom(...Array.from(`${base64urlDigits}.=`))
const position = fc.nat({ max: 10_000 })

test('the token itself verifies', async () => {
  expect(await verifies(`Bearer ${token}`)).toBe(true)
})

test('no token with one character replaced, inserted or removed verifies', async () => {
  const mutation = fc.tuple(position, fc.constantFrom(0, 1), fc.constantFrom('', 'x'), digit)
  await fc.assert(
    fc.asyncProperty(mutation, async ([where, removed, inserts, character]) => {
      const at = where % token.length
      const mutated = token.slice(0, at) + (inserts && character) + token.slice(at + removed)
      fc.pre(mutated !== token)
      expect(await verifies(`Bearer ${mutated}`)).toBe(false)
    }),
    { numRuns: 2000 },
  )
})

test('every other last character of the signature is refused', async () => {
  for (const character of base64urlDigits) {
    expect(await verifies(`Bearer ${token.slice(0, -1)}${character}`)).toBe(character === token.at(-1))
  }
})

test('no mixture of parts of two tokens verifies', async () => {
  const tokens = [token, await issuer.sign({ scope: `${readScope} configurations/x` })].map((each) => each.split('.'))
  await fc.assert(
    fc.asyncProperty(fc.tuple(...[0, 1, 2].map(() => fc.nat({ max: 1 }))), async (picks) => {
      // The header is the same in both; payload and signature have to come from one.
      const mixed = picks.map((pick, part) => tokens[pick]?.[part]).join('.')
      expect(await verifies(`Bearer ${mixed}`)).toBe(picks[1] === picks[2])
    }),
  )
})

test('no arbitrary Authorization header verifies or causes a fault', async () => {
  const part = fc.oneof(
    fc.string(),
    fc.json().map((json) => Buffer.from(json).toString('base64url')),
  )
  const line = fc.oneof(
    fc.string(),
    fc.array(part, { maxLength: 5 }).map((parts) => `Bearer ${parts.join('.')}`),
  )
  await fc.assert(
    fc.asyncProperty(line, async (authorization) => {
      expect(await verifies(authorization)).toBe(false)
    }),
    { numRuns: 1000 },
  )
})

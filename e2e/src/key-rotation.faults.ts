import { expect, test } from 'vitest'
import { rotateUnderLoad } from './rotate-under-load.ts'

/** Each costs three seconds: its verifiers wait for a server that looks at its clock once a second. The short form shows the same with fewer. */
const times = process.env['LATCHKEY_FAULTS'] === 'short' ? 12 : 100

test(`${times} scheduled rotations refuse no valid token`, { timeout: 900_000 }, async () => {
  const { rotations, tokens, verifications, kids, refused } = await rotateUnderLoad(times)
  expect(refused).toEqual([])
  expect(new Set(kids).size).toBe(times)
  expect(tokens).toBe(times * 50)
  expect(verifications).toBe(times * 160)
  const form = times === 100 ? '' : ' (short form; the long one rotates 100 times)'
  console.log(`${rotations} rotations${form}: ${tokens} tokens, ${verifications} verifications, none refused`)
})

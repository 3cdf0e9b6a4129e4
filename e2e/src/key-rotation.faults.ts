import { expect, test } from 'vitest'
import { rotateUnderLoad } from './rotate-under-load.ts'

test('100 scheduled rotations refuse no valid token', async () => {
  const { tokens, verifications, kids, refused } = await rotateUnderLoad(100)
  expect(refused).toEqual([])
  expect(new Set(kids).size).toBe(100)
  expect(tokens).toBe(5000)
  expect(verifications).toBe(16_000)
  process.stdout.write(`100 rotations: ${tokens} tokens, ${verifications} verifications, none refused\n`)
}, 900_000)

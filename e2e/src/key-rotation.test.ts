import { expect, test } from 'vitest'
import { rotateUnderLoad } from './rotate-under-load.ts'

test('scheduled rotations refuse no valid token, whatever the age of the verifiers’ keys', async () => {
  const { rotations, tokens, verifications, kids, refused } = await rotateUnderLoad(5)
  expect(refused).toEqual([])
  expect(new Set(kids).size).toBe(rotations)
  expect(tokens).toBe(rotations * 50)
  expect(verifications).toBe(rotations * 160)
})

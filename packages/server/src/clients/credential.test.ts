import type { EpochMs } from '@latchkey/protocol'
import { expect, test } from 'vitest'
import { isClientIdForm } from './client.ts'
import { nextGeneration, type Generation } from './credential.ts'

test.each([
  [0, 1000, 1000],
  [999, 1000, 1000],
  [1000, 1000, 1001],
  [1001, 1000, 1002],
  [5000, 1000, 5001],
  [0, 0, 1],
])('the generation after %d, at %d, is %d', (previous, now, next) => {
  expect(nextGeneration(previous as Generation, now as EpochMs)).toBe(next)
})

test.each([
  ['a', true],
  ['aZ09-', true],
  ['-', true],
  ['a'.repeat(64), true],
  ['a'.repeat(65), false],
  ['', false],
  ['a_b', false],
  ['a b', false],
  ['a\n', false],
  ['ä', false],
  ['a/b', false],
])('%j has the form of a client_id: %s', (text, is) => {
  expect(isClientIdForm(text)).toBe(is)
})

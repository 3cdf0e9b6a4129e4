import type { EpochMs, SigningAlgorithm } from '@latchkey/protocol'
import { describe, expect, test } from 'vitest'
import { startMs } from '../kernel/fixed-surroundings.test.support.ts'
import {
  dueSteps,
  lifecycleRules,
  nextRotationAt,
  removedAt,
  revocationSteps,
  rotationSteps,
  type KeyAge,
} from './key-lifecycle.ts'

const hour = 3_600_000
const day = 24 * hour
const now = startMs

const rules = lifecycleRules(
  { algorithm: 'ES256', rotationDays: 90 },
  { maxAgeSeconds: 300, staleIfErrorSeconds: 86_400 },
)
const { publishedMs, keptMs } = rules

function key(kid: string, state: KeyAge['state'], ageMs: number, fields: Partial<KeyAge> = {}): KeyAge {
  const at = (now - ageMs) as EpochMs
  return {
    kid,
    algorithm: 'ES256',
    state,
    createdAt: (state === 'standby' ? at : at - 90 * day) as EpochMs,
    activatedAt: state === 'active' ? at : undefined,
    retiredAt: state === 'retired' ? at : undefined,
    revokedAt: state === 'revoked' ? at : undefined,
    ...fields,
  }
}

const of = (algorithm: SigningAlgorithm) => ({ algorithm })

/** `activate S, create ES256`. */
function words(steps: ReturnType<typeof dueSteps>): string {
  return steps.map((step) => `${step.kind} ${'kid' in step ? step.kid : step.algorithm}`).join(', ')
}

describe('the rules', () => {
  test('a standby is older than any copy of the key set, a retired key outlives every token under it', () => {
    expect(publishedMs).toBeGreaterThan((300 + 86_400) * 1000)
    expect(keptMs).toBeGreaterThan((86_400 + 300) * 1000)
  })

  test('0 days: never by itself', () => {
    const never = lifecycleRules({ algorithm: 'ES256', rotationDays: 0 }, { maxAgeSeconds: 1, staleIfErrorSeconds: 1 })
    const keys = [key('A', 'active', 3650 * day), key('S', 'standby', 3650 * day)]
    expect(dueSteps(keys, now, never)).toEqual([])
    expect(nextRotationAt(keys, never)).toBeUndefined()
    expect(words(rotationSteps(keys, now, never))).toBe('activate S, create ES256')
  })
})

describe('what is due', () => {
  const cases: readonly (readonly [what: string, keys: readonly KeyAge[], due: string])[] = [
    ['nothing, nearly always', [key('A', 'active', 89 * day), key('S', 'standby', 89 * day)], ''],
    ['not a millisecond early', [key('A', 'active', 90 * day - 1), key('S', 'standby', 89 * day)], ''],
    ['a rotation', [key('A', 'active', 90 * day), key('S', 'standby', 90 * day)], 'activate S, create ES256'],
    ['not before the standby is known', [key('A', 'active', 200 * day), key('S', 'standby', publishedMs - 1)], ''],
    [
      'as soon as the standby is known',
      [key('A', 'active', 200 * day), key('S', 'standby', publishedMs)],
      'activate S, create ES256',
    ],
    [
      'the oldest standby',
      [key('A', 'active', 90 * day), key('S2', 'standby', 3 * day), key('S1', 'standby', 4 * day)],
      'activate S1',
    ],
    ['a standby where there is none', [key('A', 'active', day)], 'create ES256'],
    ['a standby before anything signs', [key('A', 'active', 100 * day)], 'create ES256'],
    [
      'one of the algorithm that is wanted now; the other stays meanwhile',
      [key('A', 'active', day), key('R', 'standby', day, of('RS256'))],
      'create ES256',
    ],
    [
      'another algorithm takes over with its own standby, and the old one’s goes',
      [
        key('A', 'active', 90 * day, of('RS256')),
        key('R', 'standby', 90 * day, of('RS256')),
        key('S', 'standby', 2 * day),
      ],
      'activate S, remove R, create ES256',
    ],
    [
      'a changed algorithm alone is no reason to rotate',
      [key('A', 'active', day, of('RS256')), key('S', 'standby', 2 * day)],
      '',
    ],
    [
      'a retired key stays while a token under it may live',
      [key('A', 'active', day), key('S', 'standby', day), key('O', 'retired', keptMs - 1)],
      '',
    ],
    [
      'and goes afterwards; so does a revoked one',
      [key('A', 'active', day), key('S', 'standby', day), key('O', 'retired', keptMs), key('X', 'revoked', keptMs)],
      'remove O, remove X',
    ],
    [
      'a key that was revoked after it retired counts from then',
      [
        key('A', 'active', day),
        key('S', 'standby', day),
        key('X', 'revoked', hour, { retiredAt: (now - 9 * day) as EpochMs }),
      ],
      '',
    ],
    [
      'nothing while the clock is behind',
      [key('A', 'active', -day), key('S', 'standby', -day), key('O', 'retired', -day)],
      '',
    ],
  ]
  test.each(cases)('%s', (_, keys, due) => {
    expect(words(dueSteps(keys, now, rules))).toBe(due)
  })

  test('is done once: what follows from the outcome is nothing', () => {
    const after = [key('S', 'active', 0), key('A', 'retired', 0), key('N', 'standby', 0)]
    expect(dueSteps(after, now, rules)).toEqual([])
  })
})

describe('rotating by hand', () => {
  const cases: readonly (readonly [what: string, keys: readonly KeyAge[], steps: string])[] = [
    ['at any age', [key('A', 'active', 0), key('S', 'standby', 0)], 'activate S, create ES256'],
    ['without a standby', [key('A', 'active', 0)], 'create-active ES256, create ES256'],
    [
      'to the algorithm that is wanted',
      [key('A', 'active', 0, of('RS256')), key('R', 'standby', 9 * day, of('RS256'))],
      'create-active ES256, create ES256',
    ],
  ]
  test.each(cases)('%s', (_, keys, steps) => {
    expect(words(rotationSteps(keys, now, rules))).toBe(steps)
  })
})

describe('revoking', () => {
  const cases: readonly (readonly [what: string, keys: readonly KeyAge[], steps: string])[] = [
    [
      'the key that signs',
      [key('K', 'active', day), key('S', 'standby', 2 * day)],
      'revoke K, activate S, create ES256',
    ],
    ['the only key', [key('K', 'active', day)], 'revoke K, create-active ES256, create ES256'],
    ['the standby', [key('A', 'active', day), key('K', 'standby', day)], 'revoke K, create ES256'],
    ['one of two standbys', [key('A', 'active', day), key('K', 'standby', day), key('S', 'standby', day)], 'revoke K'],
    ['a retired key', [key('A', 'active', day), key('S', 'standby', day), key('K', 'retired', day)], 'revoke K'],
    [
      'a standby that is known goes before one of the right algorithm that is not',
      [key('K', 'active', day), key('S', 'standby', hour), key('R', 'standby', 2 * day, of('RS256'))],
      'revoke K, activate R',
    ],
    [
      'of two unknown ones, the right algorithm',
      [key('K', 'active', day), key('R', 'standby', 2 * hour, of('RS256')), key('S', 'standby', hour)],
      'revoke K, activate S, remove R, create ES256',
    ],
  ]
  test.each(cases)('%s', (_, keys, steps) => {
    expect(words(revocationSteps(keys, 'K', now, rules))).toBe(steps)
  })
})

test('when the next rotation is', () => {
  const known = [key('A', 'active', 10 * day), key('S', 'standby', 10 * day)]
  expect(nextRotationAt(known, rules)).toBe(now + 80 * day)
  const late = [key('A', 'active', 200 * day), key('S', 'standby', hour)]
  expect(nextRotationAt(late, rules)).toBe(now - hour + publishedMs)
  expect(nextRotationAt([key('A', 'active', 0)], rules)).toBeUndefined()
  expect(removedAt(key('A', 'active', 0), rules)).toBeUndefined()
})

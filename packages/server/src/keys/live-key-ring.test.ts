import { expect, test } from 'vitest'
import { seededRandom, settableClock } from '../kernel/fixed-surroundings.test.support.ts'
import { Fault } from '../kernel/faults.ts'
import { generateSigningKeyPair } from './algorithms.ts'
import { lifecycleRules, rotationSteps, type KeyAge } from './key-lifecycle.ts'
import { liveKeyRing } from './live-key-ring.ts'
import { openKeys } from './open-keys.ts'
import { performKeySteps } from './perform-key-steps.ts'
import type { KeyStore } from './ports.ts'
import type { SealedSigningKey } from './sealed-signing-key.ts'

const clock = settableClock()
const rules = lifecycleRules(
  { algorithm: 'ES256', rotationDays: 90 },
  { maxAgeSeconds: 300, staleIfErrorSeconds: 86_400 },
)

/** A ring on rows that a test changes, and a store that answers when and how the test says. */
async function opened() {
  let rows: SealedSigningKey[] = []
  let answer = (): Promise<SealedSigningKey[]> => Promise.resolve([...rows])
  const store: KeyStore = {
    isNew: () => Promise.resolve(rows.length === 0),
    loadDataKeys: () => Promise.resolve([]),
    loadSigningKeys: () => answer(),
    installFirstKeys(_, signingKeys) {
      rows = [...signingKeys]
      return Promise.resolve(true)
    },
    resealSigningKey: () => Promise.resolve(),
  }
  const { dataKeys, signingKeys } = await openKeys(store, Buffer.alloc(32, 3), seededRandom('ring'), clock)
  const ring = liveKeyRing(signingKeys, store, dataKeys)
  return {
    ring,
    answerWith: (next: () => Promise<SealedSigningKey[]>) => {
      answer = next
    },
    rows: () => [...rows],
    /** As another server would, unheard of here. */
    rotate: async () => {
      const map = new Map(rows.map((row) => [row.kid, row]))
      const writes = {
        all: () => Promise.resolve([...map.values()]),
        insert: (row: SealedSigningKey) => Promise.resolve(void map.set(row.kid, row)),
        update: (row: SealedSigningKey) => Promise.resolve(void map.set(row.kid, row)),
        remove: (kid: string) => Promise.resolve(void map.delete(kid)),
      }
      const tokenKeys = rows.filter(({ purpose }) => purpose === 'token') as (SealedSigningKey & KeyAge)[]
      const steps = rotationSteps(tokenKeys, clock.now(), rules)
      const maker = { dataKeys, pair: generateSigningKeyPair }
      const tx = { signingKeys: writes, revocations: { append: () => Promise.resolve() } }
      await performKeySteps(tx, tokenKeys, steps, maker, rules, clock.now())
      rows = [...map.values()]
    },
  }
}

const away = () => Promise.reject(new Fault('store.unavailable', 'away', 'wait'))

test('a ring that has not heard goes on with a key that is still published', async () => {
  const { ring, rotate } = await opened()
  const before = ring.current()
  await rotate()
  expect(ring.current()).toBe(before)
  await ring.reload()
  const after = ring.current()
  expect(after.active.kid).not.toBe(before.active.kid)
  expect(after.accepted.has(before.active.kid)).toBe(true)
  expect(before.accepted.has(after.active.kid)).toBe(true)
})

test('while the store is away the ring stays, and what was missed is made up for', async () => {
  const { ring, rotate, answerWith, rows } = await opened()
  const before = ring.current()
  await rotate()
  answerWith(away)
  await expect(ring.reload()).rejects.toMatchObject({ code: 'store.unavailable' })
  await expect(ring.catchUp()).rejects.toMatchObject({ code: 'store.unavailable' })
  expect(ring.current()).toBe(before)
  answerWith(() => Promise.resolve(rows()))
  await ring.catchUp()
  const after = ring.current()
  expect(after.active.kid).not.toBe(before.active.kid)
  await ring.catchUp()
  expect(ring.current()).toBe(after)
})

test('rows that were tampered with do not replace what is known', async () => {
  const { ring, answerWith, rows } = await opened()
  const before = ring.current()
  answerWith(() => Promise.resolve(rows().map((row) => ({ ...row, state: 'active' }))))
  await expect(ring.reload()).rejects.toMatchObject({ code: 'keys.altered' })
  answerWith(() => Promise.resolve([]))
  await expect(ring.reload()).rejects.toMatchObject({ code: 'keys.missing' })
  expect(ring.current()).toBe(before)
})

test('a reading that was begun earlier never replaces a later one', async () => {
  const { ring, rotate, answerWith, rows } = await opened()
  const old = rows()
  let release: (rows: SealedSigningKey[]) => void = () => undefined
  answerWith(
    () =>
      new Promise((resolve) => {
        release = resolve
      }),
  )
  const slow = ring.reload()
  await rotate()
  answerWith(() => Promise.resolve(rows()))
  await ring.reload()
  const after = ring.current()
  release(old)
  await slow
  expect(ring.current()).toBe(after)
})

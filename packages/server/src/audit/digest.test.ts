import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ClientId } from '../clients/client.ts'
import type { CredentialId } from '../clients/credential.ts'
import type { CredentialUses } from '../clients/ports.ts'
import { digestStore } from '../store/sql/audit.ts'
import { auditHouse, startOfTests, type AuditHouse } from './audit.test.support.ts'
import { createDigest, keptRefusals, type Digest } from './digest.ts'
import type { DigestStore } from './ports.ts'

const hourMs = 3_600_000
let house: AuditHouse
let store: DigestStore
let digest: Digest
let isAway: boolean
let recorded: Map<string, number>

beforeEach(async () => {
  house = await auditHouse()
  store = digestStore(house.db)
  isAway = false
  recorded = new Map()
  const away = <T>(work: () => Promise<T>): Promise<T> => (isAway ? Promise.reject(new Error('away')) : work())
  const uses: CredentialUses = {
    recordUses: (some) =>
      away(() => {
        for (const { id, at } of some) recorded.set(id, at)
        return Promise.resolve()
      }),
  }
  digest = createDigest({
    store: { ...store, record: (...given) => away(() => store.record(...given)) },
    uses,
    clock: house.clock,
    logger: house.logger,
    flushIntervalMs: hourMs,
  })
})

afterEach(async () => {
  await digest.close()
  await house.remove()
})

function grant(clientId: string): void {
  digest.noteGrant({
    client: { clientId: clientId as ClientId },
    credentials: [{ id: `c-${clientId}` as CredentialId }],
  })
}

function refuse(clientId: string, requestId: string): void {
  digest.noteRefusal({ clientId, at: house.clock.now(), requestId, reason: 'scope.unknown', address: '192.0.2.7' })
}

test('grants and refusals are counted by client and hour, and added to what was there', async () => {
  grant('a')
  grant('a')
  refuse('a', 'r1')
  grant('b')
  await digest.flush()
  grant('a')
  house.clock.advance(hourMs)
  grant('a')
  await digest.flush()
  const first = startOfTests
  expect(await store.usage('a')).toEqual([
    { clientId: 'a', hour: first + hourMs, granted: 1, denied: 0 },
    { clientId: 'a', hour: first, granted: 3, denied: 1 },
  ])
  expect(await store.usage('b')).toEqual([{ clientId: 'b', hour: first, granted: 1, denied: 0 }])
  expect(recorded.get('c-a')).toBe(house.clock.now())
})

test('the newest refusals of each client are kept, newest first', async () => {
  for (let i = 0; i < 30; i++) {
    refuse('a', `r${String(i).padStart(2, '0')}`)
    refuse('b', `s${i}`)
    house.clock.advance(1)
    if (i % 4 === 0) await digest.flush()
  }
  await digest.flush()
  const kept = await store.recentRefusals('a')
  expect(kept.map(({ requestId }) => requestId)).toEqual(
    Array.from({ length: keptRefusals }, (_, i) => `r${String(29 - i).padStart(2, '0')}`),
  )
  expect(kept[0]).toEqual({
    clientId: 'a',
    at: house.clock.now() - 1,
    requestId: 'r29',
    reason: 'scope.unknown',
    address: '192.0.2.7',
  })
  expect(await store.recentRefusals('b')).toHaveLength(keptRefusals)
})

test('what the store does not take is kept and written later, with one warning', async () => {
  isAway = true
  grant('a')
  refuse('a', 'r1')
  await digest.flush()
  grant('a')
  refuse('a', 'r2')
  await digest.flush()
  expect(house.lines.filter((line) => line['level'] === 'warn')).toHaveLength(1)
  isAway = false
  await digest.flush()
  expect(await store.usage('a')).toEqual([{ clientId: 'a', hour: startOfTests, granted: 2, denied: 2 }])
  expect((await store.recentRefusals('a')).map(({ requestId }) => requestId)).toEqual(['r2', 'r1'])
  expect(recorded.get('c-a')).toBe(startOfTests)
})

test('memory is bounded while the store is away, whatever comes', async () => {
  isAway = true
  for (let i = 0; i < 1_000_000; i++) grant(`client-${i % 300_000}`)
  for (let i = 0; i < 10_000; i++) refuse(`client-${i}`, `r${i}`)
  await digest.flush()
  isAway = false
  await digest.flush()
  const counted = await house.db
    .selectFrom('usage_counters')
    .select((s) => s.fn.countAll().as('count'))
    .executeTakeFirstOrThrow()
  expect(Number(counted.count)).toBe(50_000)
  expect(recorded.size).toBe(250_000)
})

test('once a use had to be dropped, none is said to be reported any more: its claim would be judged undelivered', async () => {
  const before = digest.usesReportedUntil()
  isAway = true
  for (let i = 0; i < 250_000; i++) grant(`client-${i}`)
  await digest.flush()
  house.clock.advance(60_000)
  isAway = false
  await digest.flush()
  expect(recorded.size).toBe(250_000)
  expect(digest.usesReportedUntil()).toBe(before + 60_000)
  isAway = true
  for (let i = 0; i < 250_001; i++) grant(`client-${i}`)
  await digest.flush()
  house.clock.advance(60_000)
  isAway = false
  await digest.flush()
  await digest.flush()
  expect(digest.usesReportedUntil()).toBe(before + 60_000)
  expect(house.lines.filter((line) => line['level'] === 'error')).toHaveLength(1)
})

test('a flush without news writes nothing', async () => {
  isAway = true
  await digest.flush()
  expect(house.lines).toEqual([])
})

test('the digest flushes itself', async () => {
  const own = createDigest({
    store,
    uses: { recordUses: () => Promise.resolve() },
    clock: house.clock,
    logger: house.logger,
    flushIntervalMs: 5,
  })
  own.noteRefusal({ clientId: 'z', at: startOfTests, requestId: 'r', reason: 'x', address: '' })
  await expect.poll(() => store.recentRefusals('z')).toHaveLength(1)
  await own.close()
})

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { EpochMs } from '@latchkey/protocol'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { appendGroups, auditHouse, startOfTests, tokenEvent, type AuditHouse } from '../audit.test.support.ts'
import { UnreadableCursor } from '../../kernel/unreadable-cursor.ts'
import { listAudit } from './list.ts'
import type { Audit } from '../log/open-audit.ts'
import type { AuditEntry, AuditQuery } from './query.ts'

let house: AuditHouse
let live: Audit

beforeEach(async () => {
  house = await auditHouse()
})

afterEach(async () => {
  await live.close()
  await house.remove()
})

/** Three closed logs, rows in between, and the live log. Answers the request ids of all token events, oldest first. */
async function history(): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < 3; i++) {
    const audit = await house.open({ maxSegmentBytes: 1500 })
    await house.change(`client-${i}`)
    house.clock.advance(10)
    ids.push(...(await appendGroups(audit, house.clock, [2, 3, 1, 4])))
    await audit.close()
    house.clock.advance(60_000)
  }
  live = await house.open()
  ids.push(...(await appendGroups(live, house.clock, [2, 3])))
  return ids
}

/** All pages of a query. */
async function listAll(query: Omit<AuditQuery, 'limit'> = {}, limit = 1000, maxBytes?: number): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = []
  let cursor: string | undefined
  let pages = 0
  do {
    const page = await listAudit(live.reader, { ...query, limit, cursor }, maxBytes)
    expect(page.items.length).toBeLessThanOrEqual(limit)
    entries.push(...page.items)
    cursor = page.nextCursor
    expect(++pages).toBeLessThan(2000)
  } while (cursor !== undefined)
  return entries
}

test('rows and token events of all logs together, newest first, without what opens and closes logs', async () => {
  const ids = await history()
  const entries = await listAll()
  expect(entries.filter(({ event }) => event === 'token.granted').map(({ requestId }) => requestId)).toEqual(
    ids.toReversed(),
  )
  expect(entries.filter(({ event }) => event === 'client.created').map(({ subject }) => subject)).toEqual([
    'client-2',
    'client-1',
    'client-0',
  ])
  expect(entries).toHaveLength(ids.length + 3)
  expect(entries.map(({ at }) => at)).toEqual(entries.map(({ at }) => at).toSorted((a, b) => b - a))
  expect(entries[0]).toMatchObject({ actor: 'client-a', subject: 'client-a', details: { address: '192.0.2.7' } })
})

test('an empty log has one page', async () => {
  live = await house.open()
  expect(await listAudit(live.reader, { limit: 10 })).toEqual({ items: [], nextCursor: undefined })
})

test('pages of any size give the same list, also when calls may read little', async () => {
  await history()
  const whole = await listAll()
  for (const limit of [1, 2, 3, 7, whole.length - 1, whole.length]) expect(await listAll({}, limit)).toEqual(whole)
  for (const maxBytes of [1, 100, 70_000, 300_000]) expect(await listAll({}, 5, maxBytes)).toEqual(whole)
  const last = await listAudit(live.reader, { limit: whole.length })
  expect(last.nextCursor).toBeUndefined()
})

test('pages stay the same while events, rows and logs are added', async () => {
  await history()
  const whole = await listAll()
  const first = await listAudit(live.reader, { limit: 3 })
  await appendGroups(live, house.clock, [3])
  await house.change('client-new')
  const restarted = live
  await restarted.close()
  house.clock.advance(1000)
  live = await house.open()
  await appendGroups(live, house.clock, [2])
  const rest: AuditEntry[] = []
  for (let cursor = first.nextCursor; cursor !== undefined;) {
    const page = await listAudit(live.reader, { limit: 4, cursor })
    rest.push(...page.items)
    cursor = page.nextCursor
  }
  expect([...first.items, ...rest]).toEqual(whole)
})

test('a client, as caller, actor, subject or in the details', async () => {
  live = await house.open()
  await live.append([tokenEvent(house.clock, 'client-a'), tokenEvent(house.clock, 'client-b')])
  await live.append([tokenEvent(house.clock, 'client-"ü')])
  await house.change('client-b')
  await house.change('secret-1', { name: 'secret.created', subject: 'secret-1', details: { client_id: 'client-b' } })
  const events = async (clientId: string) => (await listAll({ clientId })).map(({ event }) => event).toSorted()
  expect(await events('client-b')).toEqual(['client.created', 'secret.created', 'token.granted'])
  expect(await events('client-a')).toEqual(['token.granted'])
  expect(await events('client-"ü')).toEqual(['token.granted'])
  expect(await events('client')).toEqual([])
})

test('a caller that did not authenticate is no actor, and found by what it claimed', async () => {
  live = await house.open()
  const refused = (reason: string) => ({ event: 'token.denied', details: { reason } }) as const
  for (const reason of ['authentication.secret_wrong', 'request.too_large', 'unavailable.store', 'scope.unknown']) {
    await live.append([tokenEvent(house.clock, 'client-a', refused(reason))])
  }
  await live.append([tokenEvent(house.clock, '', refused('authentication.none'))])
  const entries = await listAll({ clientId: 'client-a' })
  const claimed = { actor: '', subject: '', details: { claimed_client_id: 'client-a', address: '192.0.2.7' } }
  expect(entries.map(({ details }) => details['reason'])).toEqual([
    'scope.unknown',
    'unavailable.store',
    'request.too_large',
    'authentication.secret_wrong',
  ])
  for (const entry of entries.slice(1)) expect(entry).toMatchObject(claimed)
  expect(entries[0]).toMatchObject({ actor: 'client-a', subject: 'client-a' })
  expect(entries[0]?.details).not.toHaveProperty('claimed_client_id')
  const [nameless] = await listAll()
  expect(nameless).toMatchObject({ actor: '', subject: '' })
  expect(nameless?.details).not.toHaveProperty('claimed_client_id')
})

test('an event by its name or the part before the dot', async () => {
  live = await house.open()
  const denied = { event: 'token.denied', details: { reason: 'scope.unknown' } } as const
  await live.append([tokenEvent(house.clock), tokenEvent(house.clock, 'a', denied)])
  await live.append([tokenEvent(house.clock, '', { event: 'denials.aggregated', details: { count: 7 } })])
  await house.change('client-a')
  const events = async (event: string) => (await listAll({ event })).map((entry) => entry.event).toSorted()
  expect(await events('token')).toEqual(['token.denied', 'token.granted'])
  expect(await events('token.denied')).toEqual(['token.denied'])
  expect(await events('tok')).toEqual([])
  expect(await events('client')).toEqual(['client.created'])
  expect(await events('denials')).toEqual(['denials.aggregated'])
  expect(await events('segment.opened')).toEqual(['segment.opened'])
  expect((await listAll()).map(({ event }) => event)).toContain('denials.aggregated')
})

test('since a moment', async () => {
  await history()
  const whole = await listAll()
  for (const { at } of whole) {
    expect(await listAll({ since: at })).toEqual(whole.filter((entry) => entry.at >= at))
  }
})

test('each request id is found, wherever it stands', async () => {
  const ids = await history()
  for (const requestId of ids) {
    const entries = await listAll({ requestId })
    expect(entries.map((entry) => entry.requestId)).toEqual([requestId])
  }
  const [row] = await house.store.rows(0, 1)
  expect((await listAll({ requestId: row?.requestId })).map(({ event }) => event)).toEqual(['client.created'])
  expect(await listAll({ requestId: '0'.repeat(26) })).toEqual([])
  expect(await listAll({ requestId: 'no request id' })).toEqual([])
})

test('a request id is found also where the clock was set back, a page at a time when calls may read little', async () => {
  live = await house.open()
  const before = await appendGroups(
    live,
    house.clock,
    Array.from({ length: 50 }, () => 20),
  )
  house.clock.advance(-3_600_000)
  const late = tokenEvent(house.clock)
  house.clock.advance(-3_600_000)
  // Asked before the clock was set back, answered after.
  await live.append([late])
  const after = await appendGroups(live, house.clock, [3])
  for (const requestId of [before[0], before.at(-1), late.requestId, ...after]) {
    for (const maxBytes of [undefined, 50_000]) {
      const entries = await listAll({ requestId }, 1000, maxBytes)
      expect(entries.map((entry) => entry.requestId)).toEqual([requestId])
    }
  }
  const page = await listAudit(live.reader, { limit: 10, requestId: `${late.requestId.slice(0, 25)}!` }, 50_000)
  expect(page).toEqual({ items: [] })
})

test('a request id in a large segment is found without reading all of it', async () => {
  live = await house.open({ maxSegmentBytes: 1_000_000_000 })
  const ids: string[] = []
  for (let i = 0; i < 100; i++) {
    ids.push(...(await appendGroups(live, house.clock, [500])).slice(0, 1))
    house.clock.advance(20_000)
  }
  for (const requestId of [ids[0], ids[50], ids[99]]) {
    const page = await listAudit(live.reader, { limit: 10, requestId }, 1_500_000)
    expect(page.items.map((entry) => entry.requestId)).toEqual([requestId])
    expect(page.nextCursor).toBeUndefined()
  }
})

test('a group that is being written is not listed', async () => {
  live = await house.open()
  await appendGroups(live, house.clock, [2])
  const file = path.join(house.directory, live.logId, '00000001.jsonl')
  const whole = await readFile(file)
  const record = (await readFile(file, 'utf8')).split('\n')[1] ?? ''
  await writeFile(file, Buffer.concat([whole, Buffer.from(`${record}\n${record}`)]))
  expect(await listAll()).toHaveLength(2)
  await writeFile(file, whole)
})

test('logs that ended before are not opened', async () => {
  await history()
  const [oldest] = await house.store.logs()
  // A directory in place of a segment cannot be read.
  const segment = path.join(house.directory, oldest?.id ?? '', '00000009.jsonl')
  await mkdir(segment)
  expect(await listAll({ since: ((oldest?.closedAt ?? 0) + 1) as EpochMs })).not.toEqual([])
})

test('what is no cursor is refused, and one that was made up reads nothing outside', async () => {
  await history()
  for (const cursor of ['', 'x', Buffer.from('[1,2]').toString('base64url')]) {
    await expect(listAudit(live.reader, { limit: 1000, cursor })).rejects.toBeInstanceOf(UnreadableCursor)
  }
  const outside = [house.clock.now(), 0, 0, [['../kept', 1, 10_000]], false, false]
  const cursor = Buffer.from(JSON.stringify(outside)).toString('base64url')
  expect((await listAudit(live.reader, { limit: 1000, cursor })).items).toEqual([])
})

test('any filters and page sizes agree with filtering the whole list', async () => {
  live = await house.open({ maxSegmentBytes: 2000 })
  const names = ['client-a', 'client-b', 'client-c']
  for (let i = 0; i < 40; i++) {
    await live.append(names.slice(0, 1 + (i % 3)).map((clientId) => tokenEvent(house.clock, clientId)))
    if (i % 5 === 0) await house.change(names[i % 3] ?? '')
    if (i % 2 === 0) house.clock.advance(7000)
  }
  const whole = await listAll()
  expect(whole).toHaveLength(40 + 26 + 13 + 8)
  await fc.assert(
    fc.asyncProperty(
      fc.option(fc.constantFrom(...names), { nil: undefined }),
      fc.option(fc.constantFrom('token', 'client', 'client.created', 'secret'), { nil: undefined }),
      fc.option(fc.integer({ min: 0, max: 150_000 }), { nil: undefined }),
      fc.integer({ min: 1, max: 30 }),
      fc.option(fc.integer({ min: 1, max: 200_000 }), { nil: undefined }),
      async (clientId, event, sinceMs, limit, maxBytes) => {
        const since = sinceMs === undefined ? undefined : ((startOfTests + sinceMs) as EpochMs)
        const expected = whole.filter(
          (entry) =>
            (clientId === undefined || entry.actor === clientId || entry.subject === clientId) &&
            (event === undefined || entry.event === event || entry.event.startsWith(`${event}.`)) &&
            (since === undefined || entry.at >= since),
        )
        expect(await listAll({ clientId, event, since }, limit, maxBytes)).toEqual(expected)
      },
    ),
    { numRuns: 60 },
  )
})

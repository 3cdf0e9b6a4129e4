import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  appendGroups,
  auditHouse,
  problemKinds,
  segmentNames,
  startOfTests,
  type AuditHouse,
} from '../audit.test.support.ts'
import type { AdminEvent } from '../events.ts'
import type { Audit } from './open-audit.ts'
import { verifyAudit } from '../verify/verify.ts'

const dayMs = 86_400_000
let house: AuditHouse
let opened: Audit[]

beforeEach(async () => {
  house = await auditHouse()
  opened = []
})

afterEach(async () => {
  for (const audit of opened) await audit.close()
  await house.remove()
})

async function open(options: Parameters<AuditHouse['open']>[0] = {}): Promise<Audit> {
  const record = (event: AdminEvent): Promise<void> => house.change('', event)
  const audit = await house.open({ sync: 'answer', maxSegmentAgeMs: dayMs, retentionDays: 10, record, ...options })
  opened.push(audit)
  return audit
}

/** One segment a day. */
async function fill(audit: Audit, days: number): Promise<void> {
  for (let day = 0; day < days; day++) {
    if (day > 0) house.clock.advance(dayMs)
    await appendGroups(audit, house.clock, [2])
  }
}

function files(audit: Audit): Promise<string[]> {
  return segmentNames(path.join(house.directory, audit.logId))
}

function name(segment: number): string {
  return `${String(segment).padStart(8, '0')}.jsonl`
}

test('segments expire from the oldest on, are recorded, and are not missed', async () => {
  const closed = await open()
  await fill(closed, 5)
  await closed.close()
  const live = await open()
  house.clock.advance(8 * dayMs)
  await live.expire()
  // Day 12: what ended before day 2 goes.
  expect(await files(closed)).toEqual([3, 4, 5].map((segment) => name(segment)))
  const rows = await house.store.rows(0, 10)
  expect(rows.map((row) => [row.name, row.subject, row.details])).toEqual([
    ['audit.segment_expired', closed.logId, { from: 1, to: 2, retention_days: 10 }],
  ])
  const report = await verifyAudit(live.reader)
  expect(report.findings).toEqual([])
  await live.expire()
  expect(await house.store.rows(0, 10)).toHaveLength(1)

  await rm(path.join(house.directory, closed.logId, name(3)))
  expect(problemKinds(await verifyAudit(live.reader))).toEqual(['removed'])
})

test('a log whose every segment expired loses its directory, which is a note and no problem', async () => {
  const closed = await open()
  await fill(closed, 2)
  await closed.close()
  const live = await open()
  house.clock.advance(11 * dayMs)
  await live.expire()
  expect(existsSync(path.join(house.directory, closed.logId))).toBe(false)
  const report = await verifyAudit(live.reader)
  expect(report.intact).toBe(true)
  expect(report.findings.map(({ severity, kind }) => [severity, kind])).toEqual([['note', 'expired']])
})

test('of the live log all but the segment that is being written expire', async () => {
  const live = await open()
  await fill(live, 3)
  house.clock.advance(30 * dayMs)
  await live.expire()
  expect(await files(live)).toEqual([name(3)])
  expect((await verifyAudit(live.reader)).findings).toEqual([])
  await appendGroups(live, house.clock, [2])
  await live.saveCheckpoint()
  await live.expire()
  expect(await files(live)).toEqual([name(3), name(4)])
  expect((await verifyAudit(live.reader)).findings).toEqual([])
  await live.close()
  const next = await open()
  expect((await verifyAudit(next.reader)).findings).toEqual([])
})

test('an old date written into a segment does not make the one before it expire', async () => {
  const closed = await open()
  await fill(closed, 3)
  await closed.close()
  const second = path.join(house.directory, closed.logId, name(2))
  const text = await readFile(second, 'utf8')
  await writeFile(second, text.replace(/"at":\d+/, `"at":${startOfTests - 500 * dayMs}`))
  const live = await open()
  await live.expire()
  expect(await files(closed)).toHaveLength(3)
  expect(problemKinds(await verifyAudit(live.reader))).toEqual(['edited'])
})

test('nothing is deleted while the database does not take the note', async () => {
  const closed = await open()
  await fill(closed, 5)
  await closed.close()
  const store = { ...house.store, expireBefore: () => Promise.reject(new Error('away')) }
  const live = await open({ store })
  house.clock.advance(20 * dayMs)
  await live.expire()
  expect(await files(closed)).toHaveLength(5)
  expect(house.lines.some((line) => line['level'] === 'warn')).toBe(true)
  expect((await verifyAudit(live.reader)).intact).toBe(true)
})

test('files left by a deletion that was interrupted go at the next turn', async () => {
  const closed = await open()
  await fill(closed, 5)
  await closed.close()
  const first = path.join(house.directory, closed.logId, name(1))
  const text = await readFile(first)
  const live = await open()
  house.clock.advance(8 * dayMs)
  await live.expire()
  await writeFile(first, text)
  expect((await verifyAudit(live.reader)).findings).toEqual([])
  await live.expire()
  expect(existsSync(first)).toBe(false)
})

test('what is evidence of a removal does not expire', async () => {
  const closed = await open()
  await fill(closed, 5)
  await closed.close()
  await rm(path.join(house.directory, closed.logId, name(1)))
  const live = await open()
  house.clock.advance(40 * dayMs)
  await live.expire()
  expect(await files(closed)).toHaveLength(4)
  expect(problemKinds(await verifyAudit(live.reader))).toEqual(['removed'])
})

test('logs of other hosts are not touched', async () => {
  const elsewhere = await open({ host: 'elsewhere', directory: path.join(house.folder, 'elsewhere') })
  await fill(elsewhere, 3)
  await elsewhere.close()
  const live = await open()
  house.clock.advance(40 * dayMs)
  await live.expire()
  expect(await segmentNames(path.join(house.folder, 'elsewhere', elsewhere.logId))).toHaveLength(3)
  expect((await house.store.logs())[0]?.firstSegment).toBe(1)
})

function heldBack(): boolean {
  return house.lines.some(({ msg }) => typeof msg === 'string' && msg.startsWith('audit segments are kept although'))
}

test('a start with a clock that is years ahead deletes nothing, and neither do further ones', async () => {
  const closed = await open()
  await fill(closed, 5)
  await closed.close()
  house.clock.advance(730 * dayMs)
  for (let starts = 0; starts < 10; starts++) {
    const live = await open()
    await live.expire()
    await live.close()
  }
  expect(heldBack()).toBe(true)
  expect(await files(closed)).toHaveLength(5)
})

test('a clock that leaps while the process runs deletes nothing', async () => {
  let passed = 0
  const live = await open({ monotonic: () => passed })
  await fill(live, 5)
  passed = 5 * dayMs
  house.clock.advance(730 * dayMs)
  await live.expire()
  expect(heldBack()).toBe(true)
  expect(await files(live)).toHaveLength(5)
  // Time that did pass counts.
  passed = 13 * dayMs
  await live.expire()
  expect(await files(live)).toHaveLength(3)
})

test('a crashed log that is ended with a wrong clock does not count as a long one', async () => {
  const crashed = await open()
  await fill(crashed, 5)
  await crashed.close()
  await house.db.updateTable('audit_logs').set({ closed_at: null }).where('id', '=', crashed.logId).execute()
  house.clock.advance(730 * dayMs)
  for (let starts = 0; starts < 2; starts++) {
    const live = await open()
    await live.expire()
    await live.close()
  }
  expect(await files(crashed)).toHaveLength(5)
})

test('nothing expires at the start itself', async () => {
  const closed = await open()
  await fill(closed, 12)
  await closed.close()
  house.clock.advance(dayMs)
  const live = await open()
  await live.reader.undisturbed(() => Promise.resolve())
  expect(await files(closed)).toHaveLength(12)
  await live.expire()
  expect(await files(closed)).toHaveLength(10)
})

test('a server that is started again every six hours expires what is old, by itself', async () => {
  const closed = await open()
  await fill(closed, 5)
  await closed.close()
  for (let starts = 0; starts < 8 * 4; starts++) {
    const live = await open()
    house.clock.advance(dayMs / 4)
    await appendGroups(live, house.clock, [1])
    await live.close()
  }
  await open({ firstExpiryMs: 1 })
  await expect.poll(() => files(closed), { timeout: 10_000 }).toEqual([3, 4, 5].map((segment) => name(segment)))
  expect(heldBack()).toBe(false)
})

test('a clock that leapt while an earlier process ran, and is still wrong, deletes nothing', async () => {
  const closed = await open()
  await fill(closed, 5)
  await closed.close()
  let passed = 0
  const leaping = await open({ monotonic: () => passed })
  await fill(leaping, 2)
  passed = dayMs
  house.clock.advance(730 * dayMs)
  await appendGroups(leaping, house.clock, [1])
  await leaping.close()
  for (let starts = 0; starts < 3; starts++) {
    const live = await open()
    await live.expire()
    await live.close()
  }
  expect(heldBack()).toBe(true)
  expect(await files(closed)).toHaveLength(5)
  // Days in which it runs count from then on.
  const live = await open()
  house.clock.advance(6 * dayMs)
  await live.expire()
  expect(await files(closed)).toHaveLength(4)
})

test('how long a process ran cannot be written into the database by somebody else', async () => {
  const closed = await open()
  await fill(closed, 2)
  await closed.close()
  const live = await open()
  const row = await house.db
    .selectFrom('audit_logs')
    .select('checkpoint')
    .where('id', '=', closed.logId)
    .executeTakeFirstOrThrow()
  const checkpoint = JSON.parse(row.checkpoint ?? '') as { ranMs?: number }
  expect(checkpoint.ranMs).toBeGreaterThan(0)
  for (const ranMs of [undefined, 900 * dayMs]) {
    const changed = JSON.stringify({ ...checkpoint, ranMs })
    await house.db.updateTable('audit_logs').set({ checkpoint: changed }).where('id', '=', closed.logId).execute()
    expect(problemKinds(await verifyAudit(live.reader))).toContain('forged')
  }
})

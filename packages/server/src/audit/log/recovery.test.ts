import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  appendGroups,
  auditHouse,
  checkpointOf,
  problemKinds,
  readGroupLines,
  segmentNames,
  warningKinds,
  writeLines,
  type AuditHouse,
} from '../audit.test.support.ts'
import { listAudit } from '../list/list.ts'
import type { Audit } from './open-audit.ts'
import { verifyAudit } from '../verify/verify.ts'

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
  const audit = await house.open(options)
  opened.push(audit)
  return audit
}

/** A log whose process vanished behind its last checkpoint: files and registration as they were at that moment. */
async function crashed(
  sizes: readonly number[],
  after: readonly number[],
  maxSegmentBytes = 1_000_000,
): Promise<string> {
  const audit = await house.open({ maxSegmentBytes, sync: 'answer' })
  await appendGroups(audit, house.clock, sizes)
  await audit.saveCheckpoint()
  const registration = await registrationOf(audit.logId)
  await appendGroups(audit, house.clock, after)
  const directory = path.join(house.directory, audit.logId)
  const kept = path.join(house.folder, 'kept')
  await cp(directory, kept, { recursive: true })
  await audit.close()
  await cp(kept, directory, { recursive: true, force: true })
  await house.db.updateTable('audit_logs').set(registration).where('id', '=', audit.logId).execute()
  return directory
}

function registrationOf(id: string) {
  return house.db
    .selectFrom('audit_logs')
    .select(['checkpoint', 'closed_at'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
}

function file(directory: string, segment = 1): string {
  return path.join(directory, `0000000${segment}.jsonl`)
}

function logged(level: string): Record<string, unknown>[] {
  return house.lines.filter((line) => line['level'] === level)
}

test('a log that ended with a whole group is closed, and nothing is set aside', async () => {
  const directory = await crashed([2, 3], [2, 2])
  const before = await readFile(file(directory), 'utf8')
  const live = await open()
  expect(await readFile(file(directory), 'utf8')).toBe(before)
  expect(await segmentNames(directory)).toEqual(['00000001.jsonl'])
  const report = await verifyAudit(live.reader)
  expect(report.findings).toEqual([])
  const [registration] = await house.store.logs()
  expect(registration?.closedAt).toBe(house.clock.now())
  expect(registration?.checkpoint?.n).toBe(10)
})

test.each([1, 10, 60, 300])(
  'a tail torn after %i bytes of its last group is set aside whole, with a warning',
  async (bytes) => {
    const directory = await crashed([2, 3], [2, 2])
    const groups = await readGroupLines(file(directory))
    const whole = groups
      .slice(0, -1)
      .flat()
      .map((line) => `${line}\n`)
      .join('')
    await truncate(file(directory), Buffer.byteLength(whole) + bytes)
    const torn = (await readFile(file(directory))).subarray(Buffer.byteLength(whole))
    const live = await open()
    expect(await readFile(file(directory), 'utf8')).toBe(whole)
    expect((await readFile(`${file(directory)}.torn`)).equals(torn)).toBe(true)
    expect(logged('warn')).toMatchObject([{ file: '00000001.jsonl.torn', bytes }])
    const report = await verifyAudit(live.reader)
    expect(report.intact).toBe(true)
    expect(warningKinds(report)).toEqual(['torn'])
  },
)

test('an earlier .torn is never overwritten', async () => {
  const directory = await crashed([2], [2])
  await writeFile(`${file(directory)}.torn`, 'earlier')
  await writeFile(file(directory), '{"n":', { flag: 'a' })
  await open()
  expect(await readFile(`${file(directory)}.torn`, 'utf8')).toBe('earlier')
  expect(await readFile(`${file(directory)}.torn.2`, 'utf8')).toBe('{"n":')
})

test('blocks that the disk never got, behind the checkpoint, are a torn tail', async () => {
  const directory = await crashed([2, 3], [2, 2, 2])
  const groups = await readGroupLines(file(directory))
  const upTo = (count: number): number => Buffer.byteLength(groups.slice(0, count).flat().join('\n')) + 1
  const bytes = await readFile(file(directory))
  bytes.fill(0, upTo(3), upTo(3) + 50)
  await writeFile(file(directory), bytes)
  const live = await open()
  expect((await stat(file(directory))).size).toBe(upTo(3))
  expect((await verifyAudit(live.reader)).intact).toBe(true)
})

test('a crash while the first group of a segment was written', async () => {
  const directory = await crashed([4], [4, 1], 600)
  expect(await segmentNames(directory)).toContain('00000003.jsonl')
  await truncate(file(directory, 3), 30)
  const live = await open()
  expect((await stat(file(directory, 3))).size).toBe(0)
  const report = await verifyAudit(live.reader)
  expect(report.intact).toBe(true)
  expect(warningKinds(report)).toEqual(['torn'])
  expect((await house.store.logs())[0]?.checkpoint?.segment).toBe(2)
})

test('a crash between making a segment and writing to it', async () => {
  const directory = await crashed([4], [4, 1], 600)
  await truncate(file(directory, 3), 0)
  const live = await open()
  expect((await verifyAudit(live.reader)).findings).toEqual([])
})

test('a crash before the first group, and before the directory was made', async () => {
  const directory = await crashed([], [2])
  await truncate(file(directory), 20)
  const live = await open()
  const report = await verifyAudit(live.reader)
  expect(problemKinds(report)).toEqual([])
  const without = await crashed([], [])
  await rm(without, { recursive: true })
  const next = await open()
  expect(problemKinds(await verifyAudit(next.reader))).toEqual([])
})

test('a file that ends before the checkpoint is not touched, logged as an error at every start, and found', async () => {
  const directory = await crashed([2, 3, 2], [1])
  const groups = await readGroupLines(file(directory))
  await writeLines(file(directory), groups.slice(0, 1).flat())
  await writeFile(file(directory), '{"n":4,"at":1', { flag: 'a' })
  const before = await readFile(file(directory), 'utf8')
  for (const _ of [1, 2]) {
    const live = await open()
    expect(await readFile(file(directory), 'utf8')).toBe(before)
    expect(await segmentNames(directory)).toEqual(['00000001.jsonl'])
    expect(problemKinds(await verifyAudit(live.reader))).toEqual(['cut_off'])
  }
  expect(logged('error')).toHaveLength(2)
  expect((await house.store.logs())[0]?.closedAt).toBeUndefined()
})

test('a directory that is gone is logged as an error', async () => {
  const directory = await crashed([2, 3], [])
  await rm(directory, { recursive: true })
  const live = await open()
  expect(logged('error')).toHaveLength(1)
  expect(problemKinds(await verifyAudit(live.reader))).toEqual(['removed'])
})

test('a checkpoint that is not genuine is not followed', async () => {
  const directory = await crashed([2, 3], [2])
  const checkpoint = await checkpointOf(house, path.basename(directory))
  await house.store.saveCheckpoint(checkpoint.log, { ...checkpoint, n: 1 }, undefined)
  await writeFile(file(directory), '{"n":', { flag: 'a' })
  await open()
  expect(await segmentNames(directory)).toEqual(['00000001.jsonl'])
  expect(logged('error')).toHaveLength(1)
})

test('two segments torn is nothing that a crash does', async () => {
  const directory = await crashed([4], [4, 1], 600)
  await truncate(file(directory, 3), 30)
  await writeFile(file(directory, 2), '{"n":', { flag: 'a' })
  await open()
  expect(await segmentNames(directory)).not.toContain('00000003.jsonl.torn')
  expect(logged('error')).toHaveLength(1)
})

test('logs of another host are left alone', async () => {
  const elsewhere = await open({ host: 'elsewhere' })
  await appendGroups(elsewhere, house.clock, [2])
  await open()
  expect((await house.store.logs())[0]?.closedAt).toBeUndefined()
})

test('a segment of 64 MiB with a torn end does not hold up the start', async () => {
  const sizes = Array.from({ length: 76 }, () => 5000)
  const directory = await crashed(sizes, [2], 1_000_000_000)
  await writeFile(file(directory), '{"n":', { flag: 'a' })
  const began = performance.now()
  await open()
  const tookMs = performance.now() - began
  expect((await stat(file(directory))).size).toBeGreaterThan(64 * 1024 * 1024)
  expect(tookMs).toBeLessThan(300)
})

test('while the database is away checkpoints wait, and records go on', async () => {
  let isAway = false
  const { store } = house
  const failing = {
    ...store,
    lastRow: () => (isAway ? Promise.reject(new Error('away')) : store.lastRow()),
    saveCheckpoint: (...given: Parameters<typeof store.saveCheckpoint>) =>
      isAway ? Promise.reject(new Error('away')) : store.saveCheckpoint(...given),
  }
  const audit = await open({ store: failing, sync: 'answer' })
  await appendGroups(audit, house.clock, [2])
  isAway = true
  await audit.saveCheckpoint()
  await audit.saveCheckpoint()
  await appendGroups(audit, house.clock, [2])
  expect(audit.checkpointsWaitSince()).toBeDefined()
  expect(logged('warn')).toHaveLength(1)
  expect((await house.store.logs())[0]?.checkpoint?.n).toBe(0)
  isAway = false
  await audit.saveCheckpoint()
  expect(audit.checkpointsWaitSince()).toBeUndefined()
  expect((await house.store.logs())[0]?.checkpoint?.n).toBe(5)
})

test('checkpoints are saved by themselves, and only when there is something new', async () => {
  let saves = 0
  const { store } = house
  const counting = {
    ...store,
    saveCheckpoint: (...given: Parameters<typeof store.saveCheckpoint>) => {
      saves++
      return store.saveCheckpoint(...given)
    },
  }
  const audit = await open({ store: counting, sync: 'answer', checkpointIntervalMs: 10 })
  const settle = () => new Promise((resolve) => setTimeout(resolve, 100))
  await settle()
  expect(saves).toBe(0)
  await appendGroups(audit, house.clock, [2])
  await settle()
  expect(saves).toBe(1)
  await house.change('client-a')
  await settle()
  expect(saves).toBe(2)
})

test('a process that is killed loses nothing that it answered', async () => {
  const program = path.join(import.meta.dirname, 'killed-writer.test.support.ts')
  for (const lifeMs of [300, 450, 600]) {
    const child = spawn(process.execPath, ['--conditions=latchkey-source', program, house.folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const output = text(child.stdout)
    await once(child.stdout, 'readable')
    setTimeout(() => child.kill('SIGKILL'), lifeMs)
    const answered = (await output).split('\n').slice(0, -1)
    const live = await open()
    const report = await verifyAudit(live.reader)
    expect(problemKinds(report)).toEqual([])
    const listed = new Set<string>()
    for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
      const page = await listAudit(live.reader, { limit: 1000, cursor })
      for (const { requestId } of page.items) listed.add(requestId)
      cursor = page.nextCursor
    }
    expect(answered.length).toBeGreaterThan(100)
    // The last line may be cut off in the pipe.
    expect(answered.slice(0, -1).filter((id) => !listed.has(id))).toEqual([])
    await live.close()
  }
})

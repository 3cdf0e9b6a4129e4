import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { copyFile, link, rename, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  appendGroups,
  auditHouse,
  readLines,
  segmentNames,
  writeLines,
  tokenEvent,
  type AuditHouse,
} from '../audit.test.support.ts'
import { verifyAudit } from '../verify/verify.ts'

let house: AuditHouse

beforeEach(async () => {
  house = await auditHouse()
})

afterEach(async () => {
  await house.remove()
})

test('segments rotate by size and by age, and each begins with its header', async () => {
  const audit = await house.open({ maxSegmentBytes: 800, maxSegmentAgeMs: 10_000 })
  await appendGroups(audit, house.clock, [4, 1])
  house.clock.advance(20_000)
  await appendGroups(audit, house.clock, [1])
  await audit.close()
  const directory = path.join(house.directory, audit.logId)
  expect(await segmentNames(directory)).toEqual(['00000001.jsonl', '00000002.jsonl', '00000003.jsonl'])
  for (const name of await segmentNames(directory)) {
    expect((await readLines(path.join(directory, name)))[0]).toContain('"ev":"segment.opened"')
  }
})

test('groups appended in one turn are written under one seal, in order', async () => {
  const audit = await house.open()
  const first = audit.append([tokenEvent(house.clock, 'a')])
  await Promise.all([first, ...['b', 'c', 'd'].map((id) => audit.append([tokenEvent(house.clock, id)]))])
  await audit.close()
  const lines = await readLines(path.join(house.directory, audit.logId, '00000001.jsonl'))
  expect(lines.filter((line) => line.startsWith('{"seal"'))).toHaveLength(3)
  expect(lines.map((line) => /"client":"(\w)"/.exec(line)?.[1]).filter(Boolean)).toEqual(['a', 'b', 'c', 'd'])
})

test.each(['interval', 'answer'] as const)(
  'sync %s: what was appended is known to be on the disk in time',
  async (sync) => {
    const audit = await house.open({ sync })
    await appendGroups(audit, house.clock, [2])
    if (sync === 'interval') await new Promise((resolve) => setTimeout(resolve, 60))
    await audit.saveCheckpoint()
    const logs = await house.store.logs()
    expect(logs[0]?.checkpoint?.n).toBe(3)
    await audit.close()
  },
)

test('after close nothing is taken, and closing again does nothing', async () => {
  const audit = await house.open()
  await audit.close()
  await audit.close()
  await expect(audit.append([tokenEvent(house.clock)])).rejects.toMatchObject({ code: 'audit.unwritable' })
  expect(await segmentNames(path.join(house.directory, audit.logId))).toEqual(['00000001.jsonl'])
})

test('groups without events keep the chain, and removing one is found', async () => {
  const audit = await house.open({ sync: 'answer' })
  await appendGroups(audit, house.clock, [2, 0, 0, 1, 0])
  expect((await verifyAudit(audit.reader)).findings).toEqual([])
  await audit.close()
  // As if the process had been killed: the log is ended from its first checkpoint on.
  await house.db.updateTable('audit_logs').set({ closed_at: null }).where('id', '=', audit.logId).execute()
  const next = await house.open()
  expect((await verifyAudit(next.reader)).findings).toEqual([])
  const file = path.join(house.directory, audit.logId, '00000001.jsonl')
  const lines = await readLines(file)
  await writeLines(file, lines.toSpliced(lines.findIndex((line) => line.startsWith('{"seal"')) + 1, 1))
  expect((await verifyAudit(next.reader)).intact).toBe(false)
  await next.close()
})

test('many rotations under load keep chain and descriptors in order', async () => {
  const audit = await house.open({ maxSegmentBytes: 300 })
  const appended: Promise<void>[] = []
  for (let i = 0; i < 300; i++) {
    appended.push(audit.append([tokenEvent(house.clock)]))
    if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(appended)
  await audit.close()
  const next = await house.open()
  const report = await verifyAudit(next.reader)
  expect(report.findings).toEqual([])
  expect(report.checked.segments).toBeGreaterThan(20)
  await next.close()
})

/** A real failing write: a process whose files may not grow beyond a limit (RLIMIT_FSIZE), with the signal ignored, gets EFBIG. */
test.skipIf(process.platform === 'win32')('a write that fails rejects, and leaves nothing of its group', async () => {
  await house.change('client-a')
  const program = path.join(import.meta.dirname, 'limited-writer.test.support.ts')
  // The unit is 512 bytes or 1024, as the shell likes it: 2 or 4 MiB.
  const child = spawn(
    'sh',
    ['-c', `trap '' XFSZ; ulimit -f 4096; exec "$@"`, 'sh', process.execPath, program, house.folder],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '--conditions=latchkey-source' },
    },
  )
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
  const outcomes = JSON.parse(output) as { logId: string; outcomes: string[] }
  expect(outcomes.outcomes).toEqual([
    'small: written',
    'small: written',
    'large: audit.unwritable',
    'problem: said',
    'small: written',
    'problem: none',
    'large: audit.unwritable',
    'first of a segment, large: audit.unwritable',
    'first of a segment, small: written',
  ])
  const live = await house.open()
  const report = await verifyAudit(live.reader)
  expect(report.findings).toEqual([])
  // Three groups, the headers of two segments, and the closing record.
  expect(report.checked.records).toBe(1 + 1 + 1 + 2 + 1 + 1)
  await live.close()
})

test('a problem is over once the disk takes records again, also when nobody asks for tokens', async () => {
  const audit = await house.open({ checkpointIntervalMs: 10, maxSegmentAgeMs: 10_000 })
  await appendGroups(audit, house.clock, [1])
  // The next segment cannot be made while something has its name.
  const next = path.join(house.directory, audit.logId, '00000002.jsonl')
  await writeLines(next, [])
  house.clock.advance(20_000)
  await expect(audit.append([tokenEvent(house.clock)])).rejects.toMatchObject({ code: 'audit.unwritable' })
  expect(audit.problem()).toContain('EEXIST')
  await rm(next)
  await expect.poll(() => audit.problem()).toBeUndefined()
  await appendGroups(audit, house.clock, [1])
  expect((await verifyAudit(audit.reader)).findings).toEqual([])
  await audit.close()
})

test.each([
  ['deleted', 'was deleted', (file: string) => rm(file)],
  ['moved away', 'was deleted or moved away', (file: string) => rename(file, `${file}.old`)],
  ['cut', 'was cut to 10 of', (file: string) => truncate(file, 10)],
  [
    'replaced',
    'was replaced by another file',
    async (file: string) => {
      await copyFile(file, `${file}.copy`)
      await link(file, `${file}.kept`)
      await rename(`${file}.copy`, file)
    },
  ],
])('a segment that is %s while it is written ends the writing', async (_, message, tamper) => {
  const audit = await house.open({ checkpointIntervalMs: 10 })
  await appendGroups(audit, house.clock, [2])
  await new Promise((resolve) => setTimeout(resolve, 40))
  expect(audit.problem()).toBeUndefined()
  await tamper(path.join(house.directory, audit.logId, '00000001.jsonl'))
  await expect.poll(() => audit.problem()).toContain(message)
  await expect(audit.append([tokenEvent(house.clock)])).rejects.toMatchObject({ code: 'audit.unwritable' })
  await audit.close()
  expect((await house.store.logs())[0]?.closedAt).toBeUndefined()
})

test('a segment that was deleted or cut takes not one group more', async () => {
  for (const tamper of [(file: string) => rm(file), (file: string) => truncate(file, 10)]) {
    const audit = await house.open()
    await appendGroups(audit, house.clock, [2])
    await tamper(path.join(house.directory, audit.logId, '00000001.jsonl'))
    await expect(audit.append([tokenEvent(house.clock)])).rejects.toMatchObject({ code: 'audit.unwritable' })
    await audit.close()
  }
})

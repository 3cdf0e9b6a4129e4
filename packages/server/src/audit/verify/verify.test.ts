import { cp, rename, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import type { EpochMs } from '@latchkey/protocol'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  appendGroups,
  auditHouse,
  checkpointOf,
  problemKinds,
  readGroupLines,
  readLines,
  segmentNames,
  warningKinds,
  writeLines,
  type AuditHouse,
} from '../audit.test.support.ts'
import { signCheckpoint } from '../log/checkpoint.ts'
import type { Audit } from '../log/open-audit.ts'
import type { VerificationReport } from './report.ts'
import { formatSeal, groupMac, parseLine } from '../log/segment-format.ts'
import { verifyAudit } from './verify.ts'

/*
 * Two closed logs of this host (the first of three segments), administrative rows, and the live log that verifies. Every test but the
 * untouched one tampers with the first closed log or the tables; the second closed log is the sibling that must stay without finding.
 */
let house: AuditHouse
let live: Audit
let closedId: string
let siblingId: string
let closed: string

beforeEach(async () => {
  house = await auditHouse()
  for (let i = 0; i < 12; i++) await house.change(`client-${i}`)
  const first = await house.open({ maxSegmentBytes: 2000 })
  await appendGroups(first, house.clock, [2, 3, 1, 4, 2, 3, 1, 2, 3, 2])
  await first.close()
  closedId = first.logId
  closed = path.join(house.directory, closedId)
  house.clock.advance(1000)
  const sibling = await house.open()
  await appendGroups(sibling, house.clock, [2, 3, 4])
  await sibling.close()
  siblingId = sibling.logId
  live = await house.open()
  await appendGroups(live, house.clock, [2, 3])
  await live.saveCheckpoint()
})

afterEach(async () => {
  await live.close()
  await house.remove()
})

function file(segment: number, directory = closed): string {
  return path.join(directory, `0000000${segment}.jsonl`)
}

async function verify(): Promise<VerificationReport> {
  const report = await verifyAudit(live.reader)
  expect(report.findings.filter(({ where }) => where.includes(siblingId))).toEqual([])
  expect(report.intact).toBe(!report.findings.some(({ severity }) => severity === 'problem'))
  return report
}

test('untouched logs and rows are intact, and the limits are said', async () => {
  expect(await segmentNames(closed)).toEqual(['00000001.jsonl', '00000002.jsonl', '00000003.jsonl'])
  const report = await verify()
  expect(report.findings).toEqual([])
  expect(report.checked).toEqual({ rows: 12, logs: 3, segments: 5, records: 23 + 4 + 9 + 2 + 5 + 1 })
  expect(report.limits.length).toBeGreaterThan(4)
})

test('the live log may grow while it is verified', async () => {
  const growing = (async () => {
    for (let i = 0; i < 50; i++) await appendGroups(live, house.clock, [20])
  })()
  for (let i = 0; i < 10; i++) expect((await verify()).findings).toEqual([])
  await growing
  expect((await verify()).findings).toEqual([])
})

test('one changed byte in a record → edited, naming segment and records', async () => {
  const lines = await readLines(file(2))
  const index = lines.findLastIndex((line) => line.includes('192.0.2.7'))
  await writeLines(file(2), lines.with(index, (lines[index] ?? '').replace('192.0.2.7', '192.0.2.8')))
  const report = await verify()
  expect(problemKinds(report)).toEqual(['edited'])
  const number = /"n":(\d+)/.exec(lines[index] ?? '')?.[1]
  expect(report.findings).toHaveLength(1)
  const [, from, to] = /segment 2, records? (\d+)(?:–(\d+))?$/.exec(report.findings[0]?.where ?? '') ?? []
  expect(Number(number)).toBeGreaterThanOrEqual(Number(from))
  expect(Number(number)).toBeLessThanOrEqual(Number(to ?? from))
})

test('one changed byte in a seal → edited', async () => {
  const groups = await readGroupLines(file(1))
  const seal = groups[1]?.at(-1) ?? ''
  const mac = seal.charAt(20) === 'A' ? 'B' : 'A'
  groups[1] = [...(groups[1] ?? []).slice(0, -1), seal.slice(0, 20) + mac + seal.slice(21)]
  await writeLines(file(1), groups.flat())
  const report = await verify()
  expect(problemKinds(report)).toEqual(['edited'])
  expect(report.findings).toHaveLength(1)
})

test('a changed number in a seal → edited', async () => {
  const groups = await readGroupLines(file(1))
  groups[1] = (groups[1] ?? []).map((line) => (line.startsWith('{"seal"') ? line.replace(/"n":\d+/, '"n":99') : line))
  await writeLines(file(1), groups.flat())
  const report = await verify()
  expect(problemKinds(report)).toEqual(['edited'])
  expect(report.findings).toHaveLength(1)
})

test('two edited groups far apart are both reported', async () => {
  for (const segment of [1, 3]) {
    const lines = await readLines(file(segment))
    await writeLines(file(segment), lines.with(1, (lines[1] ?? '').replace('192.0.2.7', '192.0.2.8')))
  }
  const report = await verify()
  expect(problemKinds(report)).toEqual(['edited'])
  expect(report.findings).toHaveLength(2)
})

test('a record deleted from a group → removed, naming it', async () => {
  const groups = await readGroupLines(file(1))
  const gone = (groups[1] ?? [])[1] ?? ''
  groups[1] = (groups[1] ?? []).toSpliced(1, 1)
  await writeLines(file(1), groups.flat())
  const report = await verify()
  expect(problemKinds(report)).toEqual(['removed'])
  expect(report.findings[0]?.where).toMatch(new RegExp(`record ${/"n":(\d+)/.exec(gone)?.[1]}$`))
})

test('a record deleted together with the seal → removed', async () => {
  const groups = await readGroupLines(file(1))
  groups[1] = (groups[1] ?? []).slice(0, -2)
  await writeLines(file(1), groups.flat())
  expect(problemKinds(await verify())).toEqual(['removed'])
})

test('a seal deleted alone → edited', async () => {
  const groups = await readGroupLines(file(1))
  groups[1] = (groups[1] ?? []).slice(0, -1)
  await writeLines(file(1), groups.flat())
  expect(problemKinds(await verify())).toEqual(['edited'])
})

test('a group deleted → removed, with its records', async () => {
  const groups = await readGroupLines(file(1))
  const numbers = (groups[1] ?? []).slice(0, -1).map((line) => /"n":(\d+)/.exec(line)?.[1])
  await writeLines(file(1), groups.toSpliced(1, 1).flat())
  const report = await verify()
  expect(problemKinds(report)).toEqual(['removed'])
  expect(report.findings[0]?.where).toMatch(new RegExp(`records ${numbers[0]}–${numbers.at(-1)}$`))
})

test('two groups swapped → reordered', async () => {
  const groups = await readGroupLines(file(1))
  await writeLines(
    file(1),
    groups
      .with(1, groups[2] ?? [])
      .with(2, groups[1] ?? [])
      .flat(),
  )
  expect(problemKinds(await verify())).toEqual(['reordered'])
})

test('two records swapped within a group → reordered', async () => {
  const groups = await readGroupLines(file(1))
  const group = groups[1] ?? []
  groups[1] = group.with(0, group[1] ?? '').with(1, group[0] ?? '')
  await writeLines(file(1), groups.flat())
  expect(problemKinds(await verify())).toEqual(['reordered'])
})

test('a group repeated → edited', async () => {
  const groups = await readGroupLines(file(1))
  await writeLines(file(1), groups.toSpliced(2, 0, groups[1] ?? []).flat())
  expect(problemKinds(await verify())).toEqual(['edited'])
})

test('a record deleted and everything behind renumbered → edited', async () => {
  const groups = await readGroupLines(file(1))
  groups[1] = (groups[1] ?? []).toSpliced(1, 1)
  const renumber = (line: string): string => line.replace(/"n":(\d+)/, (_, n: string) => `"n":${Number(n) - 1}`)
  const from = groups.slice(0, 1).flat().length + 1
  await writeLines(
    file(1),
    groups.flat().map((line, index) => (index < from ? line : renumber(line))),
  )
  expect(problemKinds(await verify())).toContain('edited')
})

test('a group sealed anew without the key → edited', async () => {
  const groups = await readGroupLines(file(1))
  const group = (groups[1] ?? []).slice(0, -1).map((line) => line.replace('192.0.2.7', '192.0.2.8'))
  const parsed = parseLine((groups[1] ?? []).at(-1) ?? '')
  const seal = parsed !== undefined && 'seal' in parsed ? parsed.seal : undefined
  const strangers = await auditHouse()
  const { dataKeys } = strangers.keys
  const keyId = dataKeys.current('audit-mac')
  const mac = groupMac(dataKeys, keyId, closedId, '', group.join('\n'))
  groups[1] = [...group, formatSeal({ n: seal?.n ?? 0, keyId, mac }).trimEnd()]
  await writeLines(file(1), groups.flat())
  await strangers.remove()
  expect(problemKinds(await verify())).toEqual(['edited'])
})

test('a closed log cut off at a group boundary → cut_off', async () => {
  const groups = await readGroupLines(file(3))
  await writeLines(file(3), groups.slice(0, -1).flat())
  expect(problemKinds(await verify())).toEqual(['cut_off'])
})

test('a closed log cut off within a line → cut_off', async () => {
  const text = (await readLines(file(3))).join('\n')
  await truncate(file(3), text.length - 40)
  expect(problemKinds(await verify())).toContain('cut_off')
})

test('the last segment emptied → cut_off', async () => {
  await truncate(file(3), 0)
  expect(problemKinds(await verify())).toEqual(['cut_off'])
})

test('an earlier segment cut off at a group boundary → removed', async () => {
  const groups = await readGroupLines(file(2))
  await writeLines(file(2), groups.slice(0, -1).flat())
  expect(problemKinds(await verify())).toEqual(['removed'])
})

test('an earlier segment cut off within a line → removed', async () => {
  const text = (await readLines(file(2))).join('\n')
  await truncate(file(2), text.length - 40)
  expect(problemKinds(await verify())).toEqual(['removed'])
})

test('lines added behind a closed log → edited', async () => {
  const lines = await readLines(file(3))
  await writeLines(file(3), [...lines, lines[1] ?? ''])
  expect(problemKinds(await verify())).toEqual(['edited'])
})

test.each([
  [1, ['removed']],
  [2, ['removed']],
  [3, ['cut_off', 'removed']],
])('segment %i deleted → %j', async (segment, kinds) => {
  await rm(file(segment))
  expect(problemKinds(await verify())).toEqual(kinds)
})

test('all segments deleted → removed and cut_off', async () => {
  for (const segment of [1, 2, 3]) await rm(file(segment))
  expect(problemKinds(await verify())).toEqual(['cut_off', 'removed'])
})

test("a log's directory deleted → removed", async () => {
  await rm(closed, { recursive: true })
  const report = await verify()
  expect(problemKinds(report)).toEqual(['removed'])
  expect(report.findings[0]?.where).toBe(`log ${closedId}`)
})

test("a directory deleted and the registration's host changed → still removed", async () => {
  await rm(closed, { recursive: true })
  await house.db.updateTable('audit_logs').set({ host: 'elsewhere' }).where('id', '=', closedId).execute()
  expect(problemKinds(await verify())).toEqual(['edited', 'removed'])
})

test('a segment replaced by one of another log → reordered and removed', async () => {
  await cp(file(1, path.join(house.directory, siblingId)), file(2))
  const report = await verifyAudit(live.reader)
  expect(problemKinds(report)).toEqual(['removed', 'reordered'])
})

test('two segments of a log exchanged → reordered', async () => {
  await rename(file(1), `${file(1)}.kept`)
  await rename(file(2), file(1))
  await rename(`${file(1)}.kept`, file(2))
  expect(problemKinds(await verify())).toContain('reordered')
})

test('the directories of two logs exchanged → found in both', async () => {
  const sibling = path.join(house.directory, siblingId)
  await rename(closed, `${closed}-kept`)
  await rename(sibling, closed)
  await rename(`${closed}-kept`, sibling)
  const report = await verifyAudit(live.reader)
  const wheres = report.findings
    .filter(({ severity }) => severity === 'problem')
    .map(({ where }) => where)
    .join('\n')
  expect(wheres).toContain(closedId)
  expect(wheres).toContain(siblingId)
})

test('the live log cut off behind its last checkpoint → cut_off, by what the process remembers', async () => {
  await appendGroups(live, house.clock, [3])
  const name = file(1, path.join(house.directory, live.logId))
  const groups = await readGroupLines(name)
  await writeLines(name, groups.slice(0, -1).flat())
  const report = await verify()
  expect(problemKinds(report)).toEqual(['cut_off'])
  expect(report.findings).toHaveLength(1)
  expect(report.findings[0]?.message).toContain('this process')
})

test("the live log's file deleted → removed", async () => {
  await rm(file(1, path.join(house.directory, live.logId)))
  expect(problemKinds(await verify())).toContain('removed')
})

test('the live registration deleted → removed', async () => {
  await house.db.deleteFrom('audit_logs').where('id', '=', live.logId).execute()
  expect(problemKinds(await verify())).toEqual(['removed'])
})

test('a tail that was set aside, and one of a log that was not ended → warnings, intact', async () => {
  await house.db.updateTable('audit_logs').set({ closed_at: null }).where('id', '=', closedId).execute()
  const lines = await readLines(file(3))
  await writeLines(file(3), [...lines, '{"n":99,"at":17'])
  await writeLines(`${file(3)}.torn`, ['{"n":98,"at":1'])
  const report = await verify()
  expect(report.intact).toBe(true)
  expect(warningKinds(report)).toEqual(['torn', 'torn'])
})

test('logs of other hosts → note not_here', async () => {
  const elsewhere = await house.open({ host: 'elsewhere', directory: path.join(house.folder, 'elsewhere') })
  await appendGroups(elsewhere, house.clock, [2])
  await elsewhere.close()
  const report = await verify()
  expect(report.intact).toBe(true)
  expect(report.findings.map(({ severity, kind }) => [severity, kind])).toEqual([['note', 'not_here']])
})

test('a directory that the database does not know → warning, and it is verified', async () => {
  const newest = await house.open()
  await appendGroups(newest, house.clock, [3, 3])
  await newest.close()
  // As after restoring a backup.
  await house.db.deleteFrom('audit_logs').where('id', '=', newest.logId).execute()
  const report = await verify()
  expect(report.intact).toBe(true)
  expect(warningKinds(report)).toEqual(['unregistered'])

  const name = file(1, path.join(house.directory, newest.logId))
  const lines = await readLines(name)
  await writeLines(name, lines.with(1, (lines[1] ?? '').replace('192.0.2.7', '192.0.2.8')))
  expect(problemKinds(await verify())).toEqual(['edited'])
})

test('a registration deleted with its directory → removed, because its successor names it', async () => {
  await rm(closed, { recursive: true })
  await house.db.deleteFrom('audit_logs').where('id', '=', closedId).execute()
  // Only the sibling is its successor: that is where the finding stands.
  const report = await verifyAudit(live.reader)
  expect(problemKinds(report)).toEqual(['removed'])
  expect(report.findings[0]?.where).toBe(`audit_logs ${closedId}`)
})

test('a checkpoint signed by another key → forged', async () => {
  const strangers = await auditHouse()
  const key = strangers.keys.signingKeys.checkpoint
  const checkpoint = await checkpointOf(house, closedId)
  const forged = signCheckpoint(
    { ...key, kid: house.keys.signingKeys.checkpoint.kid },
    { ...checkpoint, n: 5 },
    house.clock.now(),
  )
  await house.store.saveCheckpoint(closedId, forged, undefined)
  await strangers.remove()
  expect(problemKinds(await verify())).toEqual(['forged'])
})

test('a checkpoint changed, unreadable, of another log, or gone → found', async () => {
  const checkpoint = await checkpointOf(house, closedId)
  const set = async (text: string | null): Promise<void> => {
    await house.db.updateTable('audit_logs').set({ checkpoint: text }).where('id', '=', closedId).execute()
  }
  await set(JSON.stringify({ ...checkpoint, n: checkpoint.n - 1 }))
  expect(problemKinds(await verify())).toEqual(['forged'])
  await set('{"log":')
  expect(problemKinds(await verify())).toEqual(['forged'])
  await set(JSON.stringify(await checkpointOf(house, siblingId)))
  expect(problemKinds(await verify())).toEqual(['forged'])
  await set(null)
  expect(problemKinds(await verify())).toEqual(['removed'])
})

test('first segment raised in the database, to pass a removal off as expiry → edited and removed', async () => {
  await rm(file(1))
  await house.db.updateTable('audit_logs').set({ first_segment: 2 }).where('id', '=', closedId).execute()
  expect(problemKinds(await verify())).toEqual(['edited', 'removed'])
})

test('a row edited → edited', async () => {
  await house.db.updateTable('audit_rows').set({ subject: 'client-x' }).where('sequence', '=', 5).execute()
  const report = await verify()
  expect(problemKinds(report)).toEqual(['edited'])
  expect(report.findings.map(({ where }) => where)).toEqual(['audit_rows 5'])
})

test.each(['actor', 'request_id', 'event', 'mac', 'key_id'] as const)("a row's %s edited → edited", async (column) => {
  await house.db
    .updateTable('audit_rows')
    .set({ [column]: 'x' })
    .where('sequence', '=', 5)
    .execute()
  expect(problemKinds(await verify())).toEqual(['edited'])
})

test.each(['{"client_id":', '{"client_id":"evil","client_id":"client-4"}', '{ "client_id": "client-4" }', 'null'])(
  'details of a row replaced by %s → edited',
  async (details) => {
    await house.db.updateTable('audit_rows').set({ details }).where('sequence', '=', 5).execute()
    expect(problemKinds(await verify())).toEqual(['edited'])
  },
)

test("a row's time edited to what no number can hold → found, and verification goes on", async () => {
  await house.db
    .updateTable('audit_rows')
    .set({ at: 1 as EpochMs })
    .where('sequence', '=', 5)
    .execute()
  expect(problemKinds(await verify())).toEqual(['edited'])
  await sql`update audit_rows set at = 9223372036854775807 where sequence = 5`.execute(house.db)
  expect(problemKinds(await verify())).toEqual(['unreadable'])
})

test('rows removed in the middle → removed', async () => {
  await house.db.deleteFrom('audit_rows').where('sequence', 'in', [5, 6]).execute()
  const report = await verify()
  expect(problemKinds(report)).toEqual(['removed'])
  expect(report.findings.map(({ where }) => where)).toEqual(['audit_rows 5–6'])
})

test('the first row removed → removed', async () => {
  await house.db.deleteFrom('audit_rows').where('sequence', '=', 1).execute()
  expect(problemKinds(await verify())).toEqual(['removed'])
})

test('trailing rows removed → cut_off, by the checkpoints', async () => {
  await house.db.deleteFrom('audit_rows').where('sequence', '>', 10).execute()
  expect(problemKinds(await verify())).toEqual(['cut_off'])
  await house.db.deleteFrom('audit_rows').execute()
  expect(problemKinds(await verify())).toEqual(['cut_off'])
})

test('a row removed and those behind renumbered → removed', async () => {
  await house.db.deleteFrom('audit_rows').where('sequence', '=', 5).execute()
  for (let sequence = 6; sequence <= 12; sequence++) {
    await house.db
      .updateTable('audit_rows')
      .set({ sequence: sequence - 1 })
      .where('sequence', '=', sequence)
      .execute()
  }
  const report = await verify()
  expect(problemKinds(report)).toEqual(['cut_off', 'removed'])
  expect(report.findings.some(({ where, message }) => where === 'audit_rows 5' && message.startsWith('1 rows'))).toBe(
    true,
  )
})

test('two rows exchanged → reordered', async () => {
  const set = (from: number, to: number) =>
    house.db.updateTable('audit_rows').set({ sequence: to }).where('sequence', '=', from).execute()
  await set(5, 100)
  await set(8, 5)
  await set(100, 8)
  expect(problemKinds(await verify())).toEqual(['reordered'])
})

test('a row added with a number that no row has → edited', async () => {
  const row = await house.db.selectFrom('audit_rows').selectAll().where('sequence', '=', 3).executeTakeFirstOrThrow()
  await house.db
    .insertInto('audit_rows')
    .values({ ...row, sequence: -1 })
    .execute()
  expect(problemKinds(await verify())).toEqual(['edited'])
})

test('a row added behind the last → edited', async () => {
  const row = await house.db.selectFrom('audit_rows').selectAll().where('sequence', '=', 3).executeTakeFirstOrThrow()
  await house.db
    .insertInto('audit_rows')
    .values({ ...row, sequence: 13 })
    .execute()
  expect(problemKinds(await verify())).toEqual(['edited'])
})

test('an older database put back while the logs stay is found by the rows that a log vouches for', async () => {
  await live.close()
  const log = await house.open()
  await appendGroups(log, house.clock, [2])
  await log.saveCheckpoint()
  const registrations = await house.db.selectFrom('audit_logs').selectAll().execute()
  const before = (await house.store.lastRow()).sequence
  await house.change('client-late')
  await log.close()
  live = await house.open()
  expect((await verifyAudit(live.reader)).findings).toEqual([])
  await live.close()

  const rewind = async (): Promise<void> => {
    await house.db.deleteFrom('audit_rows').where('sequence', '>', before).execute()
    await house.db.deleteFrom('audit_logs').execute()
    await house.db.insertInto('audit_logs').values(registrations).execute()
  }
  await rewind()
  await rm(path.join(house.directory, live.logId), { recursive: true })
  live = await house.open()
  const report = await verifyAudit(live.reader)
  expect(problemKinds(report)).toEqual(['cut_off'])
  expect(report.findings[0]?.message).toContain('the database is older than the log')
  // Another row in its place does not hide it.
  await house.change('client-other')
  await live.saveCheckpoint()
  expect(problemKinds(await verifyAudit(live.reader))).toEqual(['edited'])
})

import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { appendGroups, auditHouse, type AuditHouse } from '../audit.test.support.ts'
import { verifyAudit } from '../verify/verify.ts'
import { auditHost, slotOf, workerHost } from './audit-host.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'latchkey-host-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

describe('the name that logs are registered under', () => {
  test('is made once, for this user alone, and is another in every directory', () => {
    const made = auditHost(path.join(directory, 'one'))
    expect(made).toMatch(/^[A-Za-z0-9.-]+-[0-9a-f]{16}$/)
    expect(auditHost(path.join(directory, 'one'))).toBe(made)
    expect(statSync(path.join(directory, 'one', 'host')).mode & 0o077).toBe(0)
    expect(auditHost(path.join(directory, 'two'))).not.toBe(made)
  })

  test.each(['', 'elsewhere', '../../etc-0123456789abcdef', 'a\nb-0123456789abcdef'])(
    'is never made anew over something else: %j',
    (text) => {
      writeFileSync(path.join(directory, 'host'), text)
      expect(() => auditHost(directory)).toThrow(expect.objectContaining({ code: 'audit.unwritable' }))
      expect(readFileSync(path.join(directory, 'host'), 'utf8')).toBe(text)
    },
  )

  test('that cannot be read or written is a fault', () => {
    mkdirSync(path.join(directory, 'host'))
    expect(() => auditHost(directory)).toThrow(expect.objectContaining({ code: 'audit.unwritable' }))
  })

  test('of a worker tells its slot to its own host only', () => {
    expect(slotOf('here-1', workerHost('here-1', 12))).toBe(12)
    expect(slotOf('here-1', 'here-1')).toBeUndefined()
    expect(slotOf('here-1', 'here-12/3')).toBeUndefined()
    expect(slotOf('here-1', 'here-1/x')).toBeUndefined()
    expect(slotOf('here-1', 'here-1/')).toBeUndefined()
  })
})

describe('several processes in one directory', () => {
  let house: AuditHouse
  beforeEach(async () => {
    house = await auditHouse(directory)
  })
  const isHere = (host: string) => host === 'here' || slotOf('here', host) !== undefined
  const unclosed = async () => (await house.store.logs()).filter(({ closedAt }) => closedAt === undefined)

  test('a worker that starts ends what its own slot left, and leaves alone what the others are writing', async () => {
    const primary = await house.open({ isHere })
    const [one, two] = [await house.open({ host: 'here/1' }), await house.open({ host: 'here/2' })]
    for (const log of [primary, one, two]) await appendGroups(log, house.clock, [2])
    // Slot 1 is killed, and started again.
    const again = await house.open({ host: 'here/1' })
    const open = (await unclosed()).map(({ id }) => id)
    expect(open.toSorted()).toEqual([primary.logId, two.logId, again.logId].toSorted())
    await appendGroups(two, house.clock, [1])
    const report = await verifyAudit(primary.reader)
    expect(report).toMatchObject({ intact: true, checked: { logs: 4 }, findings: [] })
    for (const log of [again, two, primary]) await log.close()
    expect(await unclosed()).toEqual([])
  })

  test('a group on its way into a sibling’s log is no finding; in a log of nobody it is', async () => {
    const primary = await house.open({ isHere })
    const sibling = await house.open({ host: 'here/1' })
    await appendGroups(sibling, house.clock, [2])
    const file = path.join(house.directory, sibling.logId, '00000001.jsonl')
    writeFileSync(file, '{"n":99,"at":17', { flag: 'a' })
    expect((await verifyAudit(primary.reader)).findings).toEqual([])
    const alone = await house.open({ host: 'elsewhere', isHere: (host) => host === 'here/1' || host === 'elsewhere' })
    await house.db.updateTable('audit_logs').set({ closed_at: 1 }).where('id', '=', sibling.logId).execute()
    expect((await verifyAudit(alone.reader)).intact).toBe(false)
  })

  test('a sibling’s log that is gone is a problem here, and not here elsewhere', async () => {
    const primary = await house.open({ isHere })
    const sibling = await house.open({ host: 'here/1' })
    await appendGroups(sibling, house.clock, [2])
    await sibling.close()
    rmSync(path.join(house.directory, sibling.logId), { recursive: true })
    expect((await verifyAudit(primary.reader)).intact).toBe(false)
    const other = await house.open({ host: 'other', directory: path.join(directory, 'other') })
    const report = await verifyAudit(other.reader)
    expect([report.intact, [...new Set(report.findings.map(({ kind }) => kind))]]).toEqual([true, ['not_here']])
  })
})

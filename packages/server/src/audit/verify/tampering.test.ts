import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appendGroups, auditHouse, readLines, writeLines, type AuditHouse } from '../audit.test.support.ts'
import type { Audit } from '../log/open-audit.ts'
import { verifyAudit } from './verify.ts'

/* Properties over one closed log of several segments: whatever is done to a sealed file, it is found. */
let house: AuditHouse
let live: Audit
let files: string[]
let contents: Buffer[]

beforeAll(async () => {
  house = await auditHouse()
  const closed = await house.open({ maxSegmentBytes: 1500 })
  await appendGroups(closed, house.clock, [1, 3, 2, 1, 1, 4, 2, 1, 2])
  await closed.close()
  live = await house.open()
  files = [1, 2, 3].map((n) => path.join(house.directory, closed.logId, `0000000${n}.jsonl`))
  contents = await Promise.all(files.map((file) => readFile(file)))
})

afterAll(async () => {
  await live.close()
  await house.remove()
})

async function isIntact(): Promise<boolean> {
  return (await verifyAudit(live.reader)).intact
}

test('any single changed byte is found', async () => {
  expect(await isIntact()).toBe(true)
  await fc.assert(
    fc.asyncProperty(fc.nat(2), fc.nat(), fc.integer({ min: 1, max: 255 }), async (which, at, mask) => {
      const content = contents[which] ?? Buffer.of()
      const changed = Buffer.from(content)
      const offset = at % changed.length
      changed[offset] = (changed[offset] ?? 0) ^ mask
      await writeFile(files[which] ?? '', changed)
      const intact = await isIntact()
      await writeFile(files[which] ?? '', content)
      expect(intact, `segment ${which + 1}, byte ${offset}`).toBe(false)
    }),
    { numRuns: 600 },
  )
  expect(await isIntact()).toBe(true)
})

test('any length that a file is cut to is found', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(2), fc.nat(), async (which, at) => {
      const content = contents[which] ?? Buffer.of()
      await writeFile(files[which] ?? '', content.subarray(0, at % content.length))
      const intact = await isIntact()
      await writeFile(files[which] ?? '', content)
      expect(intact).toBe(false)
    }),
    { numRuns: 200 },
  )
})

test('any lines removed, moved or repeated are found', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(2),
      fc.constantFrom('remove', 'move', 'repeat'),
      fc.nat(),
      fc.integer({ min: 1, max: 4 }),
      fc.nat(),
      async (which, how, from, count, to) => {
        const file = files[which] ?? ''
        const lines = await readLines(file)
        const start = from % lines.length
        const some = lines.slice(start, start + count)
        const rest = how === 'repeat' ? lines : lines.toSpliced(start, some.length)
        const changed = how === 'remove' ? rest : rest.toSpliced(to % (rest.length + 1), 0, ...some)
        fc.pre(changed.join('\n') !== lines.join('\n'))
        await writeLines(file, changed)
        const intact = await isIntact()
        await writeFile(file, contents[which] ?? '')
        expect(intact).toBe(false)
      },
    ),
    { numRuns: 400 },
  )
})

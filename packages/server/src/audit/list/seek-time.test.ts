import { mkdtempSync, rmSync } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { EpochMs } from '@latchkey/protocol'
import * as fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { firstRecordTime, offsetAfter } from './seek-time.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-seek-'))

afterAll(() => {
  rmSync(folder, { recursive: true })
})

test('bisection finds the end of the records up to any time, between lines of any length', async () => {
  const line = fc.record({
    step: fc.nat(3),
    padding: fc.oneof(fc.nat(50), fc.integer({ min: 16_000, max: 40_000 })),
    isSeal: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.nat(100), async (lines, wanted) => {
      let at = 0
      let offset = 0
      let expected = 0
      const text: string[] = []
      let first: number | undefined
      for (const [n, { step, padding, isSeal }] of lines.entries()) {
        at += step
        const record = `{"n":${n},"at":${at},"ev":"token.granted","x":"${'x'.repeat(padding)}"}\n`
        const seal = `{"seal":"${'m'.repeat(43)}","n":${n},"key":"audit-mac-1"}\n`
        text.push(isSeal ? seal : record)
        offset += isSeal ? seal.length : record.length
        if (isSeal) continue
        first ??= at
        if (at <= wanted) expected = offset
      }
      const name = path.join(folder, 'segment')
      await writeFile(name, text.join(''))
      const file = await open(name, 'r')
      expect(await offsetAfter(file, offset, wanted as EpochMs)).toBe(expected)
      expect(await firstRecordTime(file, offset)).toBe(first)
      await file.close()
    }),
    { numRuns: 300 },
  )
})

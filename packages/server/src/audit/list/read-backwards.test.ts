import { mkdtempSync, rmSync } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { readLinesBackwards } from './read-backwards.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-lines-'))

afterAll(() => {
  rmSync(folder, { recursive: true })
})

async function readBack(content: string, end?: number): Promise<{ start: number; line: string }[]> {
  const name = path.join(folder, 'lines')
  await writeFile(name, content)
  const file = await open(name, 'r')
  const lines: { start: number; line: string }[] = []
  for await (const { start, line } of readLinesBackwards(file, end ?? content.length, () => true)) {
    lines.push({ start, line: line.toString('latin1') })
  }
  await file.close()
  return lines
}

/** What must come back: whole lines, with where they begin. */
function expected(content: string): { start: number; line: string }[] {
  let start = 0
  return content
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const at = start
      start += line.length + 1
      return { start: at, line }
    })
    .toReversed()
}

test('lines of any length come back whole, whatever the chunks cut through', async () => {
  const length = fc.oneof(
    fc.nat(300),
    fc.integer({ min: 65_500, max: 65_600 }),
    fc.integer({ min: 131_000, max: 131_100 }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(length, { maxLength: 12 }), fc.nat(200), async (lengths, unfinished) => {
      const content = lengths.map((chars) => `${'x'.repeat(chars)}\n`).join('') + 'y'.repeat(unfinished)
      expect(await readBack(content)).toEqual(expected(content))
    }),
    { numRuns: 150 },
  )
})

test.each([65_535, 65_536, 65_537])('a newline at a chunk boundary (%i bytes before the end)', async (bytes) => {
  const content = `first\nsecond\n${'x'.repeat(bytes - 2)}\n`
  for (const cut of [0, 1, 2]) {
    const shorter = content.slice(0, content.length - cut - 1) + '\n'
    expect(await readBack(shorter)).toEqual(expected(shorter))
  }
})

test('reading from an offset leaves out what is unfinished there', async () => {
  const content = 'one\ntwo\nthree\n'
  for (let end = 0; end <= content.length; end++) {
    expect(await readBack(content, end)).toEqual(expected(content.slice(0, end)))
  }
})

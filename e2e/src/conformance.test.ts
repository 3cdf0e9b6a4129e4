import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkout } from './latchkey-process.ts'

const folders: Readonly<Record<string, string>> = { 'S/': 'packages/server/src/', 'G/': 'packages/guard/src/' }

interface Row {
  readonly section: string
  readonly status: string
  readonly file: string
}

function rows(): Row[] {
  const text = readFileSync(path.join(checkout, 'docs/conformance.md'), 'utf8')
  return text
    .split('\n')
    .filter((line) => line.startsWith('| RFC'))
    .map((line) => {
      const [section = '', , status = '', shown = ''] = line.slice(2, -2).split(' | ')
      const file = shown.trim().replace(/^[SG]\//, (prefix) => folders[prefix] ?? prefix)
      return { section: section.trim(), status: status.trim(), file }
    })
}

describe('docs/conformance.md', () => {
  test('has the rows that this test reads', () => {
    expect(rows().length).toBeGreaterThan(25)
    for (const { status } of rows()) expect(status).toMatch(/^(done$|departs: |not yet)/)
  })

  test.each(rows().filter(({ status }) => status === 'done'))(
    '$section is shown by a test of that name',
    ({ section, file }) => {
      expect(existsSync(path.join(checkout, file))).toBe(true)
      const [, rfc, number] = /^RFC (\d+) §([\d.]+)$/.exec(section) ?? []
      expect(file).toContain(`rfc${rfc}/`)
      // The section as a whole: §2.1 is not shown by a test of §2.1.3.
      const title = new RegExp(
        String.raw`(?:test|describe)(?:\.each[^]*?\])?[^\n]*\n?[^\n]*§${number?.replaceAll('.', String.raw`\.`)}(?![.\d])`,
      )
      expect(readFileSync(path.join(checkout, file), 'utf8')).toMatch(title)
    },
  )

  test.each(rows().filter(({ status }) => status.startsWith('departs')))(
    '$section departs, and a test shows how',
    ({ file }) => {
      expect(existsSync(path.join(checkout, file))).toBe(true)
    },
  )
})

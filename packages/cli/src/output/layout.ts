import { styleText } from 'node:util'
import { printable } from './printable.ts'

export interface Column<Item> {
  readonly title: string
  readonly value: (item: Item) => string | number | undefined
}

const gap = '  '

/** Aligned columns under their titles. An empty list is said in words, with what to do next. */
export function table<Item>(items: readonly Item[], columns: readonly Column<Item>[], whenEmpty: string): string {
  if (items.length === 0) return `${whenEmpty}\n`
  const rows = items.map((item) => columns.map((column) => cell(column.value(item))))
  const titles = columns.map((column) => column.title)
  const widths = titles.map((title, i) =>
    Math.max(...[title, ...rows.map((row) => row[i] ?? '')].map((text) => width(text))),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((text, i) => pad(text, widths[i] ?? 0))
      .join(gap)
      .trimEnd()
  // Styled as a whole, after padding: escape sequences have no width.
  return (
    [styleText('bold', line(titles), { stream: process.stdout }), ...rows.map((row) => line(row))].join('\n') + '\n'
  )
}

/** A name and what it is; a list takes a line for each of its items, and what is undefined is left out. */
export type RecordEntry = readonly [name: string, value: string | readonly string[] | undefined]

/** Names and values, one a line, in two columns. */
export function record(entries: readonly RecordEntry[]): string {
  const shown = entries.filter(([, value]) => value !== undefined)
  const nameWidth = Math.max(...shown.map(([name]) => width(name)))
  const lines = shown.flatMap(([name, value]) => {
    const items = typeof value === 'string' ? [value] : (value ?? [])
    return (items.length === 0 ? [''] : items).map((item, i) => pad(i === 0 ? name : '', nameWidth) + gap + cell(item))
  })
  return `${lines.join('\n')}\n`
}

/** A moment in seconds since 1970, in UTC to the second. */
export function moment(epochSeconds: number | undefined): string | undefined {
  if (epochSeconds === undefined) return undefined
  return new Date(epochSeconds * 1000).toISOString().replace('.000Z', 'Z')
}

function cell(value: string | number | undefined): string {
  return value === undefined || value === '' ? '-' : printable(String(value))
}

/** In characters as people count them; wide scripts still take two columns each in a terminal, which is not accounted for. */
function width(text: string): number {
  return [...graphemes.segment(text)].length
}

const graphemes = new Intl.Segmenter()

function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)))
}

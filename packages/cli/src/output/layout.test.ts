import { describe, expect, it } from 'vitest'
import { moment, record, table } from './layout.ts'
import { printable, printableJson } from './printable.ts'

describe('table', () => {
  const columns = [
    { title: 'A', value: (item: { a: string; b?: number }) => item.a },
    { title: 'LONG TITLE', value: (item: { a: string; b?: number }) => item.b },
  ]
  it('aligns columns, by characters as people count them', () => {
    // The first name is five code points and four characters.
    const items = [{ a: 'mu\u0308de', b: 1 }, { a: 'abcdef' }]
    expect(table(items, columns, 'none')).toBe('A       LONG TITLE\nmu\u0308de    1\nabcdef  -\n')
  })
  it('says in words that there is nothing', () => {
    expect(table([], columns, 'There is nothing.')).toBe('There is nothing.\n')
  })
})

describe('record', () => {
  it('gives a list a line for each item and leaves out what is not there', () => {
    const entries = [
      ['one', 'x'],
      ['many', ['a', 'b']],
      ['none', []],
      ['absent', undefined],
    ] as const
    expect(record(entries)).toBe('one   x\nmany  a\n      b\nnone  -\n')
  })
})

describe('printable', () => {
  const cases: [string, string][] = [
    ['plain ü 🥐', 'plain ü 🥐'],
    ['\u001b]0;title\u0007', '\\u{1b}]0;title\\u{7}'],
    ['a\nb\tc\u0085', 'a\\u{a}b\\u{9}c\\u{85}'],
    ['\u202egnp.exe', '\\u{202e}gnp.exe'],
    ['\ud800', '\\u{d800}'],
    ['\u2028\u{e0041}', '\\u{2028}\\u{e0041}'],
  ]
  it.each(cases)('%j', (text, shown) => {
    expect(printable(text)).toBe(shown)
    const json = printableJson({ text })
    expect(printable(json)).toBe(json)
    expect(JSON.parse(json)).toEqual({ text })
  })
})

describe('moment', () => {
  it('is UTC to the second', () => {
    expect(moment(1_700_000_000)).toBe('2023-11-14T22:13:20Z')
    expect(moment(undefined)).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { csvLine } from './csv.ts'

describe('a line of CSV', () => {
  it.each([
    [['a', 'b'], '"a","b"\r\n'],
    [['a,b', 'say "x"', 'one\ntwo', ''], '"a,b","say ""x""","one\ntwo",""\r\n'],
    [[-1, 0], '"-1","0"\r\n'],
  ])('%j', (fields, line) => {
    expect(csvLine(fields)).toBe(line)
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])('%j is shown, and not run', (text) => {
    expect(csvLine([text])).toBe(`"'${text}"\r\n`)
  })
})

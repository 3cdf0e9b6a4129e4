import { formatClientSecret } from '@latchkey/protocol'
import { describe, expect, test } from 'vitest'
import { describeError, Fault } from './faults.ts'
import { seededRandom } from './fixed-surroundings.test.support.ts'
import { randomBase62 } from './ids.ts'
import { createLogger, type LogLevel } from './log.ts'
import { redact } from './redaction.ts'

const random = seededRandom('log')
const secret = formatClientSecret('prod', randomBase62(random, 16), randomBase62(random, 43))
const token = `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${Buffer.from('{"iss":"x"}').toString('base64url')}.c2lnbmF0dXJl`

function logged(level: LogLevel, write: (log: ReturnType<typeof createLogger>) => void): string[] {
  const lines: string[] = []
  write(createLogger(level, { write: (line: string) => void lines.push(line) }))
  return lines
}

describe('redaction', () => {
  test.each([
    ['a secret', secret],
    ['a secret without its checksum', secret.slice(0, -7)],
    ['a secret that was cut', secret.slice(0, -20)],
    ['a secret of the longest kind', formatClientSecret('a'.repeat(16), 'b'.repeat(32), 'c'.repeat(43))],
    ['a token', token],
    ['a token without its signature', token.slice(0, token.lastIndexOf('.'))],
  ])('%s, wherever it stands', (_, hidden) => {
    for (const [before, after] of [
      ['', ''],
      ['x ', ' y'],
      ['"', '"'],
      ['client_secret=', '&a=b'],
      ['Bearer ', '\n'],
      ['(', ')'],
    ] as const) {
      expect(redact(`${before}${hidden}${after}`)).toBe(`${before}[redacted]${after}`)
    }
    expect(redact(`${hidden} and ${hidden}`)).toBe('[redacted] and [redacted]')
  })

  test.each(['', 'lk_', 'lk_prod_short_short', 'eyJ', 'a client_id: c4f0k2', 'configurations/configurations.read'])(
    '%j stays',
    (text) => {
      expect(redact(text)).toBe(text)
    },
  )
})

describe('the log', () => {
  test('one JSON object a line, with level and time', () => {
    const [line = '', ...more] = logged('info', (log) => log.info({ a: 'b\nc' }, 'hello\nworld'))
    expect(more).toEqual([])
    expect(line.trimEnd()).not.toContain('\n')
    const entry: unknown = JSON.parse(line)
    expect(entry).toMatchObject({ level: 'info', a: 'b\nc', msg: 'hello\nworld' })
    expect((entry as { time: string }).time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  test('a secret leaves nowhere: message, field, key, nested, error, cause', () => {
    const cause = new Error(`cause ${secret}`)
    const lines = logged('trace', (log) => {
      log.info(`message ${secret} ${token}`)
      log.warn({ field: secret, [secret]: 1, nested: { deep: [`Basic ${token}`] } }, 'x')
      log.error({ err: new Error(`error ${secret}`, { cause }) }, 'x')
      log.error(new Fault('store.unavailable', `message ${secret}`, 'remedy', { cause }))
    })
    expect(lines).toHaveLength(4)
    for (const line of lines) {
      expect(line).toContain('[redacted]')
      expect(line).not.toContain(secret.slice(-50, -10))
      expect(line).not.toContain(token.slice(5, 20))
      expect(() => JSON.parse(line) as unknown).not.toThrow()
    }
  })

  test('nothing below its level', () => {
    const all = (log: ReturnType<typeof createLogger>) => {
      for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) log[level](level)
    }
    expect(logged('warn', all)).toHaveLength(2)
    expect(logged('trace', all)).toHaveLength(5)
    expect(logged('silent', all)).toHaveLength(0)
  })
})

test('what was thrown is described on one line', () => {
  expect(describeError(new Error('a\n  b\tc'))).toBe('a b c')
  expect(describeError('text')).toBe('text')
  expect(describeError(undefined)).toBe('undefined')
})

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventStreamReader, type StreamedEvent } from './event-stream.ts'

const encoder = new TextEncoder()

/** What is read from these chunks; `undefined` once an event is too large. */
function read(chunks: readonly (string | Uint8Array)[], maxLength = 1000): StreamedEvent[] | undefined {
  const reader = new EventStreamReader(maxLength)
  const events: StreamedEvent[] = []
  for (const chunk of chunks) {
    const more = reader.read(typeof chunk === 'string' ? encoder.encode(chunk) : chunk)
    if (more === undefined) return undefined
    events.push(...more)
  }
  return events
}

const message = (data: string, name = 'message'): StreamedEvent => ({ name, data })

describe('WHATWG HTML §9.2.6', () => {
  test.each<[string, string, StreamedEvent[]]>([
    ['data alone is a message', 'data: a\n\n', [message('a')]],
    ['an event with its name', 'id: 7\nevent: revocations\ndata: {}\n\n', [message('{}', 'revocations')]],
    ['lines end in CRLF', 'event: x\r\ndata: a\r\n\r\n', [message('a', 'x')]],
    ['lines end in CR', 'event: x\rdata: a\r\r', [message('a', 'x')]],
    ['lines end in each', 'data: a\r\ndata: b\rdata: c\n\r\n', [message('a\nb\nc')]],
    ['several data lines are one text', 'data: a\ndata:\ndata: b\n\n', [message('a\n\nb')]],
    ['one space after the colon is left out, and only one', 'data:  a\n\ndata:b\n\n', [message(' a'), message('b')]],
    ['a colon in the value stays', 'data: {"a":1}\n\n', [message('{"a":1}')]],
    ['a field without a colon has no value', 'data\n\n', [message('')]],
    ['comments are ignored', ': a\n:\ndata: a\n:b\n\n', [message('a')]],
    ['unknown fields and retry are ignored', 'retry: 1\nnonsense: 2\nDATA: x\n data: y\ndata: a\n\n', [message('a')]],
    ['an event without data is none, and its name is not kept', 'event: x\n\ndata: a\n\n', [message('a')]],
    ['an event that the stream ends in is none', 'data: a\n\ndata: b\n', [message('a')]],
    ['a byte order mark at the start is skipped', '\ufeffdata: a\n\n', [message('a')]],
    ['one later is not', 'data: a\n\n\ufeffdata: b\n\n', [message('a')]],
    ['empty lines are nothing', '\n\r\n\r\r\n\ndata: a\n\n\n\n', [message('a')]],
  ])('%s', (_title, text, events) => {
    expect(read([text])).toEqual(events)
  })

  test('cut anywhere, even inside a character or a CRLF, the events are the same', () => {
    const line = fc.constantFrom('data: a', 'data: \u{1f511}é', 'event: x', ': c', '', 'id: 1', 'data')
    const end = fc.constantFrom('\n', '\r', '\r\n')
    const text = fc.array(fc.tuple(line, end), { maxLength: 20 }).map((lines) => lines.flat().join(''))
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 200 }), { maxLength: 10 }), (stream, cuts) => {
        const bytes = encoder.encode(stream)
        const places = [0, ...cuts.filter((cut) => cut <= bytes.length).toSorted((a, b) => a - b), bytes.length]
        const chunks = places.slice(1).map((place, i) => bytes.subarray(places[i], place))
        expect(read(chunks)).toEqual(read([stream]))
      }),
    )
  })
})

describe('bounds', () => {
  test('an event of the allowed length is read; one that is longer ends the reading', () => {
    expect(read([`data: ${'x'.repeat(94)}\n\n`], 100)).toEqual([message('x'.repeat(94))])
    expect(read([`data: ${'x'.repeat(95)}\n`], 100)).toBeUndefined()
  })

  test('so do a line that never ends, an event that never ends, and comments that never end', () => {
    for (const chunk of ['x', 'data: a\n', ': a\n']) {
      expect(
        read(
          Array.from({ length: 101 }, () => chunk),
          100,
        ),
      ).toBeUndefined()
    }
  })

  test('what is between events is not added up', () => {
    const events = read(
      Array.from({ length: 50 }, () => 'data: 0123456789\n\n'),
      100,
    )
    expect(events?.length).toBe(50)
  })
})

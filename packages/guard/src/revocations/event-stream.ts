/** One event of a stream (WHATWG HTML §9.2). Its id is left out: our documents say where they end themselves. */
export interface StreamedEvent {
  readonly name: string
  readonly data: string
}

/**
 * Takes a `text/event-stream` apart (WHATWG HTML §9.2.5, §9.2.6), however it was cut into chunks: CRLF, LF and CR end a line, a byte order mark at the
 * start is skipped, comments and unknown fields are ignored, an event without data is none, and one that the stream ends in never was.
 * `retry` is ignored: how often to come back is the guard's own decision.
 */
export class EventStreamReader {
  readonly #maxEventLength: number
  /** Takes UTF-8 apart across chunks, and drops the byte order mark. */
  readonly #decoder = new TextDecoder()
  #line = ''
  #afterCarriageReturn = false
  #name = ''
  #data: string[] = []
  #length = 0

  /** `maxEventLength`: of one event with its comments, in UTF-16 units. */
  constructor(maxEventLength: number) {
    this.#maxEventLength = maxEventLength
  }

  /** The events that are complete with this chunk; `undefined` once one is too large, after which the reader is of no more use. */
  read(chunk: Uint8Array): readonly StreamedEvent[] | undefined {
    const text = this.#decoder.decode(chunk, { stream: true })
    const events: StreamedEvent[] = []
    let from = 0
    for (let at = 0; at < text.length; at++) {
      const character = text.charCodeAt(at)
      if (character !== carriageReturn && character !== lineFeed) continue
      // The second half of a CRLF, whose first half may have come with the chunk before.
      if (character === lineFeed && this.#afterCarriageReturn && at === from) {
        this.#afterCarriageReturn = false
        from = at + 1
        continue
      }
      const event = this.#endLine(this.#line + text.slice(from, at))
      if (event !== undefined) events.push(event)
      this.#line = ''
      this.#afterCarriageReturn = character === carriageReturn
      from = at + 1
    }
    if (from < text.length) this.#afterCarriageReturn = false
    this.#line += text.slice(from)
    return this.#length + this.#line.length > this.#maxEventLength ? undefined : events
  }

  #endLine(line: string): StreamedEvent | undefined {
    if (line === '') return this.#endEvent()
    this.#length += line.length
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') this.#data.push(value)
    else if (field === 'event') this.#name = value
    return undefined
  }

  #endEvent(): StreamedEvent | undefined {
    const event = { name: this.#name === '' ? 'message' : this.#name, data: this.#data.join('\n') }
    const hasData = this.#data.length > 0
    this.#name = ''
    this.#data = []
    this.#length = 0
    return hasData ? event : undefined
  }
}

const lineFeed = 10
const carriageReturn = 13

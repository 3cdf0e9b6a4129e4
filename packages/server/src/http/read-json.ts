import type { FastifyInstance } from 'fastify'

/** A body that is no JSON as it has to be. The message is for the caller; `field` is the name that stands twice. */
export class UnreadableBody extends Error {
  readonly field: string | undefined

  constructor(message: string, field?: string) {
    super(message)
    this.name = 'UnreadableBody'
    this.field = field
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads bodies as JSON, more strictly than JSON.parse: no bytes that are not UTF-8 (they would silently become another text), no name twice in one
 * object (RFC 8259 §4 leaves open which counts, so that whoever checked the request before may have seen the other), no `__proto__`. Refused with
 * {@link UnreadableBody}, or an error of fastify's.
 */
export function readJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    const text = decode(bytes)
    if (text === undefined) {
      done(new UnreadableBody('the body is not UTF-8'))
      return
    }
    void parse(request, text, (error, body: unknown) => {
      const twice = error === null ? findRepeatedName(text) : undefined
      if (twice === undefined) done(error, body)
      else done(repeated(twice))
    })
  })
}

/** The first name that stands twice in one object of this JSON text; undefined when there is none. The text has been parsed: it is JSON. */
export function findRepeatedName(text: string): string | undefined {
  const open: Set<string>[] = []
  let last = ''
  // Strings, and what gives them their role. Written without alternatives inside the repetition: it must not backtrack over a long text.
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}:]/g)) {
    if (token === '{') open.push(new Set())
    else if (token === '}') open.pop()
    else if (token === ':') {
      // Escapes do not make another name.
      const name = JSON.parse(last) as string
      const names = open.at(-1)
      if (names?.has(name)) return name
      names?.add(name)
    } else last = token
  }
  return undefined
}

function repeated(name: string): UnreadableBody {
  const field = name.length > 100 ? `${name.slice(0, 100)}…` : name
  return new UnreadableBody(`${field}: stands twice in one object`, field)
}

function decode(bytes: Buffer): string | undefined {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return undefined
  }
}

import { formMediaType } from '@latchkey/protocol'
import { done, refused, type Result } from '../kernel/result.ts'
import { countHeader, type HttpRequest } from './exchange.ts'

/** Why a form could not be read. */
export const formRefusals = {
  'request.method': 'The method is not POST (RFC 6749 §3.2).',
  'request.content_type': 'The body is not application/x-www-form-urlencoded in UTF-8 (RFC 6749 appendix B).',
  'request.content_encoding': 'The body is compressed; this endpoint does not unpack.',
  'request.too_large': 'The body is larger than 16 KiB.',
  'request.encoding': 'The body is not UTF-8, or a percent sign is not followed by two hexadecimal digits.',
  'request.too_many_parameters': 'There are more than 64 parameters.',
  'request.duplicate_parameter': 'A parameter other than `resource` is sent twice (RFC 6749 §3.2).',
  'request.parameter_in_query':
    'The URL has a query; parameters belong into the body, where no log keeps them (RFC 6749 §2.3.1).',
} as const
export type FormRefusal = keyof typeof formRefusals

/** Largest body of an OAuth endpoint, in bytes. */
export const maxFormBytes: number = 16 * 1024

const maxParameters = 64

/** The parameters of a form. Those sent without a value count as not sent (RFC 6749 §3.2), but still as duplicates. */
export type Form = ReadonlyMap<string, string>

export interface FormWithResources {
  readonly parameters: Form
  /** Every `resource`, in order: the one parameter that may be repeated (RFC 8707 §2). */
  readonly resources: readonly string[]
}

/** Reads a POSTed form: method, media type and encoding are judged here, the parameters' meaning is not. */
export function readForm(request: HttpRequest): Result<FormWithResources, FormRefusal> {
  if (request.method !== 'POST') return refused('request.method')
  if (request.query !== '') return refused('request.parameter_in_query')
  if (countHeader(request, 'content-type') !== 1 || !isFormMediaType(request.headers['content-type'])) {
    return refused('request.content_type')
  }
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return refused('request.content_encoding')
  if (request.body.kind === 'too-large') return refused('request.too_large')
  return parseForm(request.body.bytes)
}

/** Decodes `application/x-www-form-urlencoded` strictly: what a lenient parser would guess at is refused. */
export function parseForm(bytes: Buffer): Result<FormWithResources, FormRefusal> {
  const text = decodeUtf8(bytes)
  if (text === undefined) return refused('request.encoding')
  const parameters = new Map<string, string>()
  const seen = new Set<string>()
  const resources: string[] = []
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decodeFormComponent(equals === -1 ? pair : pair.slice(0, equals))
    const value = equals === -1 ? '' : decodeFormComponent(pair.slice(equals + 1))
    if (name === undefined || value === undefined) return refused('request.encoding')
    if (name === 'resource') {
      if (value !== '') resources.push(value)
      if (resources.length > maxParameters) return refused('request.too_many_parameters')
      continue
    }
    if (seen.has(name)) return refused('request.duplicate_parameter')
    seen.add(name)
    if (seen.size > maxParameters) return refused('request.too_many_parameters')
    if (value !== '') parameters.set(name, value)
  }
  return done({ parameters, resources })
}

/** Decodes one name or value: plus is a space, percent is strict; `undefined` when it is not UTF-8. */
export function decodeFormComponent(text: string): string | undefined {
  if (!text.includes('%')) return text.includes('+') ? text.replaceAll('+', ' ') : text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return undefined
  }
}

function isFormMediaType(header: string | undefined): boolean {
  if (header === formMediaType) return true
  const [type = '', ...parameters] = (header ?? '').split(';')
  if (type.trim().toLowerCase() !== formMediaType) return false
  // A charset was never defined for this type, but much software adds one.
  return parameters.every((parameter) => /^\s*(?:charset\s*=\s*"?utf-?8"?)?\s*$/i.test(parameter))
}

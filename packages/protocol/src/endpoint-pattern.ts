/*
 * Which calls of an API are meant: `POST /configurations/**`. Read here for everybody who decides by it (server, guard, gate), so that none of them reads a path
 * differently from the others. Paths that proxies and back ends read in more than one way are told apart from those that everybody reads alike.
 */

/** A pattern that was read. */
export interface EndpointPattern {
  /** As it is written in its one spelling: `GET /configurations/*`. */
  readonly text: string
  /** `*`: every method. */
  readonly method: string
  /** Literal segments, `*` for any one. */
  readonly segments: readonly string[]
  /** Whether anything may follow, nothing included: the pattern ended in `**`. */
  readonly isOpen: boolean
}

export type ReadEndpointPattern =
  | { readonly ok: true; readonly pattern: EndpointPattern }
  | { readonly ok: false; readonly problem: string }

/** token of RFC 9110 §5.6.2, in the upper case that methods have. */
const methodForm = /^(?:\*|[A-Z][A-Z0-9!#$%&'*+.^_`|~-]{0,31})$/
/** unreserved and sub-delims of RFC 3986 §3.3 that no server takes for something else. */
const literalForm = /^[A-Za-z0-9\-._~!$&'()+,=:@]+$/
const maxPatternLength = 512

/**
 * Reads `<METHOD> <path>`: `*` for every method, `*` for one segment, `**` at the end for whatever follows, nothing included. A trailing slash says nothing. OpenAPI's
 * `{name}` is read as `*`. Refuses, in words, what could be read in more than one way.
 */
export function readEndpointPattern(text: string): ReadEndpointPattern {
  if (text.length > maxPatternLength) return refuse(`it is longer than ${maxPatternLength} characters`)
  const [method = '', path = '', ...rest] = text.trim().split(/ +/)
  if (rest.length > 0 || path === '') return refuse('write a method and a path, such as POST /configurations/**')
  if (!methodForm.test(method)) return refuse('the method is a name in capitals, or * for every one')
  if (!path.startsWith('/')) return refuse('the path begins with /')
  const segments = path
    .slice(1)
    .replace(/\/$/, '')
    .split('/')
    .map((one) => (/^\{[^{}/]+\}$/.test(one) ? '*' : one))
  if (segments.length === 1 && segments[0] === '') segments.pop()
  const isOpen = segments.at(-1) === '**'
  if (isOpen) segments.pop()
  const odd = segments.find((one) => one !== '*' && (!literalForm.test(one) || one === '.' || one === '..'))
  if (odd === '**') return refuse('** stands at the end alone')
  if (odd !== undefined) return refuse(`${JSON.stringify(odd)} is no segment that every server reads alike`)
  const written = [...segments, ...(isOpen ? ['**'] : [])].join('/')
  return { ok: true, pattern: { text: `${method} /${written}`, method, segments, isOpen } }
}

/**
 * The segments of a request's path as everybody reads them, percent-decoded; undefined where servers differ: dot segments, empty segments, encoded slashes and
 * backslashes, parameters behind `;`, anything encoded twice, encodings that are none, octets beyond printable ASCII. Without query.
 */
export function readPathSegments(path: string): readonly string[] | undefined {
  if (!path.startsWith('/') || !/^[\x21-\x7e]+$/.test(path) || /[\\;?#]/.test(path)) return undefined
  const written = path.slice(1).replace(/\/$/, '')
  if (written === '') return path === '/' ? [] : undefined
  const segments: string[] = []
  for (const part of written.split('/')) {
    const segment = part.includes('%') ? decodeSegment(part) : part
    if (segment === undefined || segment === '' || segment === '.' || segment === '..') return undefined
    segments.push(segment)
  }
  return segments
}

function decodeSegment(part: string): string | undefined {
  let decoded: string
  try {
    decoded = decodeURIComponent(part)
  } catch {
    return undefined
  }
  // What an encoding hides is exactly what one server sees and another does not.
  return /[/\\;%?#\p{Cc}]/u.test(decoded) ? undefined : decoded
}

/** For granting: whether a call is surely one of the pattern's. Case counts; a path that can be read in two ways matches nothing. HEAD counts as GET too. */
export function matchesEndpoint(pattern: EndpointPattern, method: string, path: string): boolean {
  const segments = readPathSegments(path)
  return segments !== undefined && matchesCall(pattern, method, segments)
}

/** {@link matchesEndpoint} for a path that was read: many patterns are tried on one call. */
export function matchesCall(pattern: EndpointPattern, method: string, segments: readonly string[]): boolean {
  return fits(pattern, method, segments, (text) => text)
}

/** For restricting: whether a call may be one of the pattern's. Case does not count, as some frameworks route; a path that can be read in two ways is covered by every pattern. */
export function coversEndpoint(pattern: EndpointPattern, method: string, path: string): boolean {
  const segments = readPathSegments(path)
  return segments === undefined || coversCall(pattern, method, segments)
}

/** {@link coversEndpoint} for a path that was read. */
export function coversCall(pattern: EndpointPattern, method: string, segments: readonly string[]): boolean {
  return fits(pattern, method.toUpperCase(), segments, (text) => text.toLowerCase())
}

function fits(
  { method, segments, isOpen }: EndpointPattern,
  called: string,
  path: readonly string[],
  fold: (text: string) => string,
): boolean {
  if (method !== '*' && method !== called && !(method === 'GET' && called === 'HEAD')) return false
  if (isOpen ? path.length < segments.length : path.length !== segments.length) return false
  return segments.every((segment, i) => segment === '*' || fold(segment) === fold(path[i] ?? ''))
}

function refuse(problem: string): ReadEndpointPattern {
  return { ok: false, problem }
}

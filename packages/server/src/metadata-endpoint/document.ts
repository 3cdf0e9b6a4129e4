import { createHash } from 'node:crypto'
import { matchesEntityTag } from '../http/entity-tag.ts'
import type { Endpoint, HttpResponse } from '../http/exchange.ts'

/** How long a document may be reused without asking, in seconds; and how much longer when the server cannot be asked (RFC 5861). */
export interface Freshness {
  readonly maxAgeSeconds: number
  readonly staleIfErrorSeconds: number
}

/**
 * Serves a public JSON document by GET and HEAD, with a strong ETag and conditional requests (RFC 9110 §13.1.2). Any origin may read it.
 * `produce` is called for each request and must be cheap; the text is rendered again only when its value has changed identity.
 */
export function publicDocument(contentType: string, freshness: Freshness, produce: () => unknown): Endpoint {
  const shared = [
    'Cache-Control',
    `public, max-age=${freshness.maxAgeSeconds}, stale-if-error=${freshness.staleIfErrorSeconds}`,
    'Access-Control-Allow-Origin',
    '*',
    'X-Content-Type-Options',
    'nosniff',
  ]
  let value: unknown
  let body = ''
  let etag = ''
  return (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return Promise.resolve(methodNotAllowed)
    const next = produce()
    if (next !== value) {
      value = next
      body = JSON.stringify(next)
      etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    }
    const headers = [...shared, 'ETag', etag]
    if (matchesEntityTag(request.headers['if-none-match'], etag))
      return Promise.resolve({ status: 304, headers, body: '' })
    return Promise.resolve({ status: 200, headers: [...headers, 'Content-Type', contentType], body })
  }
}

const methodNotAllowed: HttpResponse = {
  status: 405,
  headers: ['Allow', 'GET, HEAD', 'Cache-Control', 'no-store', 'Content-Type', 'application/problem+json'],
  body: JSON.stringify({ type: 'about:blank', title: 'Method not allowed', status: 405, detail: 'use GET' }),
}

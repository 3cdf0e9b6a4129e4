import type { HttpResponse } from './exchange.ts'

/** A problem document (RFC 9457) for what no endpoint answers. */
export function problem(status: number, title: string, detail: string, headers: readonly string[] = []): HttpResponse {
  return {
    status,
    headers: ['Content-Type', 'application/problem+json', 'Cache-Control', 'no-store', ...headers],
    body: JSON.stringify({ type: 'about:blank', title, status, detail }),
  }
}

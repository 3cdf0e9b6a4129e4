import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, vi } from 'vitest'
import { startMs, startProtectedApi, type ProtectedApi } from '../protected-api.test.support.ts'
import type { TestIssuer } from '../testing.ts'

export const feedPath = '/oauth2/revocations'
export const nowSeconds: number = startMs / 1000

/** Waits until it holds. What is bounded here is the test, not the guard. */
export function eventually(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 15_000, interval: 20 })
}

/** Status, code, Retry-After and the reason in the log. */
export async function outcome(api: ProtectedApi, token: string): Promise<unknown[]> {
  const { status, json, headers } = await api.call(token)
  return [status, json['code'], headers['retry-after'], api.refusals.at(-1)]
}

export const unavailable: unknown[] = [503, 'temporarily_unavailable', '2', 'revocations.unavailable']
export const stale: unknown[] = [503, 'temporarily_unavailable', '2', 'revocations.stale']

export function wantsStream({ headers }: IncomingMessage): boolean {
  return headers.accept === 'text/event-stream'
}

export function refuseStream(response: ServerResponse): void {
  response.writeHead(406).end()
}

/** How often the feed was asked for, documents and streams. */
export function feedRequests({ issuer }: ProtectedApi): number {
  return issuer.requests.filter((path) => path.startsWith(feedPath)).length
}

/** Answers instead of the issuer, for the feed only. */
export function serveFeed(
  issuer: TestIssuer,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  issuer.intercept = (request, response) => (request.url?.startsWith(feedPath) ? answer(request, response) : 'pass')
}

/** Answers requests for documents with what the issuer would say, changed; streams are not to be had. */
export function serveDocument(issuer: TestIssuer, change: object | ((after: number | undefined) => object)): void {
  serveFeed(issuer, (request, response) => {
    if (wantsStream(request)) return refuseStream(response)
    const cursor = new URL(request.url ?? '/', 'http://issuer').searchParams.get('after')
    const after = cursor === null ? undefined : Number(cursor)
    const changed = typeof change === 'function' ? change(after) : change
    response.end(JSON.stringify({ ...issuer.feed.read(after), ...changed }))
  })
}

/** Why the feed could not be followed, so far. */
export function failures(api: ProtectedApi): string[] {
  return api.events.flatMap((event) => (event.type === 'revocations.failed' ? [event.failure.reason] : []))
}

/** Starts an API whose guard is in contact, by stream. */
export async function startFollowing(options?: Parameters<typeof startProtectedApi>[0]): Promise<ProtectedApi> {
  const api = await startProtectedApi(options)
  expect((await api.call(await api.issuer.sign())).status).toBe(200)
  await eventually(() => expect(api.issuer.feed.streams).toBe(1))
  return api
}

/** Ends every open connection to the issuer, as a proxy that restarts would. */
export async function cutStreams(api: ProtectedApi): Promise<void> {
  api.issuer.cutConnections()
  await eventually(() => expect(api.issuer.feed.streams).toBe(0))
}

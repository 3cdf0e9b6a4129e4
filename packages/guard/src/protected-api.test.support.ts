import { once } from 'node:events'
import {
  createServer,
  request as sendRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { createGuard, type Guard } from './guard.ts'
import { protect, serveResourceMetadata } from './node.ts'
import type { GuardEvent } from './events.ts'
import type { GuardOptions } from './options.ts'
import { startTestIssuer, type TestIssuer } from './testing.ts'

export const audience = 'https://configurations.example.com/v1'
export const readScope = 'configurations/configurations.read'
export const writeScope = 'configurations/configurations.write'

/** 2026-11-23T12:00:00Z, on an exact second. */
export const startMs: number = Date.UTC(2026, 10, 23, 12)

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly json: Record<string, unknown>
}

/** An API behind a guard, its issuer, and a clock that both read. */
export interface ProtectedApi extends AsyncDisposable {
  readonly url: string
  readonly issuer: TestIssuer
  readonly guard: Guard
  readonly clock: { nowMs: number; advance(seconds: number): void }
  readonly events: readonly GuardEvent[]
  /** Reasons of the refusals so far. */
  readonly refusals: readonly string[]
  /** Calls the API with a token. */
  call(token: string, path?: string): Promise<Answer>
}

/** Starts both over real HTTP; `/` needs the read scope, `/write` read and write. */
export async function startProtectedApi(options: Partial<GuardOptions> = {}): Promise<ProtectedApi> {
  const clock = {
    nowMs: startMs,
    advance(seconds: number) {
      clock.nowMs += seconds * 1000
    },
  }
  const now = (): number => clock.nowMs
  const issuer = await startTestIssuer({ audience, scope: readScope, now })
  const events: GuardEvent[] = []
  const guard = createGuard({
    issuer: issuer.issuer,
    audience,
    resourceServer: 'configurations',
    now,
    onEvent: (event) => events.push(event),
    ...options,
  })
  const read = protect(guard, { scopes: [readScope] }, (_request, response, access) => {
    const { clientId, scopes, claims, credentials, address } = access
    response.end(JSON.stringify({ clientId, scopes: [...scopes], claims, credentials, address }))
  })
  const write = protect(guard, { scopes: [readScope, writeScope] }, (_request, response) => void response.end('{}'))
  const { server, url } = await listen((request, response) => {
    const path = new URL(request.url ?? '/', 'http://api').pathname
    if (path === guard.resourceMetadataPath) return serveResourceMetadata(guard, response)
    void (path === '/write' ? write : read)(request, response)
  })
  return {
    url,
    issuer,
    guard,
    clock,
    events,
    get refusals() {
      return events.flatMap((event) => (event.type === 'request.refused' ? [event.reason] : []))
    },
    call: (token, path = '/') => call(url + path, ['authorization', `Bearer ${token}`]),
    async [Symbol.asyncDispose]() {
      await Promise.all([stop(server), guard.close(), issuer.close()])
    },
  }
}

export async function listen(listener: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

export async function stop(server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

/** A request with exactly these header lines (name, value, name, value …), repeated ones included, which `fetch` cannot send. */
export async function call(url: string, headerLines: readonly string[] = [], method = 'GET'): Promise<Answer> {
  const { host } = new URL(url)
  const sent = sendRequest(url, { method, headers: ['host', host, ...headerLines], agent: false })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const text = (await response.toArray()).join('')
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    get json() {
      return JSON.parse(text) as Record<string, unknown>
    },
  }
}

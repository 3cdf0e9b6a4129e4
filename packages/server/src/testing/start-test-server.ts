import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { EpochMs, Scope } from '@latchkey/protocol'
import { createClient } from '../clients/create-client.ts'
import { startServer, type RunningServer } from '../compose.ts'
import { developmentConfig, type Config } from '../config/config.ts'
import type { Clock } from '../kernel/clock.ts'
import { newRequestId } from '../kernel/ids.ts'
import { createLogger } from '../kernel/log.ts'
import { systemRandom } from '../kernel/random.ts'
import { createResourceServer } from '../resource-servers/create-resource-server.ts'

/** A clock that stands still until it is moved; moving it is time that passes. */
export interface TestClock extends Clock {
  advance(ms: number): void
}

export function testClock(start: number = Date.UTC(2026, 10, 23, 12)): TestClock {
  let now = start
  return {
    now: () => now as EpochMs,
    elapsed: () => now,
    advance(ms) {
      now += ms
    },
  }
}

/** The file of an embedded database. */
export function sqliteFile({ database }: Config): string {
  if (database.kind !== 'sqlite') throw new Error('not an embedded database')
  return database.path
}

/** A whole server on a data directory of its own, reached over HTTP like any other. */
export interface TestServer extends RunningServer {
  readonly clock: TestClock
  readonly config: Config
  /** Lines of the structured log so far. */
  readonly logLines: string[]
  registerApi(
    name: string,
    scopes: readonly string[],
    options?: { exclusive?: boolean; tokenTtlSeconds?: number; audience?: string },
  ): Promise<string>
  registerClient(
    scopes: readonly string[],
    options?: {
      tokenTtlSeconds?: number
      secretExpiresAt?: number
      authentication?: 'secret' | 'secret-and-certificate'
    },
  ): Promise<{ clientId: string; clientSecret: string }>
  /** Stops the server and removes its data. */
  dispose(): Promise<void>
  /** Stops it and starts it again on the same data. */
  restart(): Promise<TestServer>
}

export async function startTestServer(
  overrides: Partial<Config> = {},
  clock: TestClock = testClock(),
  dataDirectory: string = mkdtempSync(path.join(tmpdir(), 'latchkey-test-')),
): Promise<TestServer> {
  const config: Config = {
    ...developmentConfig({ data_dir: path.join(dataDirectory, 'data'), environment: 'test', log_level: 'info' }),
    port: 0,
    adminPort: 0,
    apiPort: 0,
    mtls: undefined,
    ...overrides,
  }
  const logLines: string[] = []
  const logger = createLogger(config.logLevel, { write: (line) => void logLines.push(line) })
  const server = await startServer(config, { clock, random: systemRandom(), logger, version: '0.0.0-test' })
  const context = () => ({
    actor: 'test',
    requestId: newRequestId(server.services.random, clock.now()),
    now: clock.now(),
  })
  return {
    ...server,
    clock,
    config,
    logLines,
    async registerApi(name, scopes, options = {}) {
      const audience = options.audience ?? `https://${name}.example.com`
      const created = await createResourceServer(server.services.change, context(), {
        name,
        audience,
        scopes: scopes.map((scope) => ({ name: scope, description: `May ${scope}` })),
        exclusive: options.exclusive ?? false,
        tokenTtlSeconds: options.tokenTtlSeconds,
      })
      if (!created.ok) throw new Error(created.refusal.message)
      return audience
    },
    async registerClient(scopes, options = {}) {
      const created = await createClient(server.services.change, server.services.maker, context(), {
        name: 'Test client',
        scopes: scopes as Scope[],
        tokenTtlSeconds: options.tokenTtlSeconds,
        authentication: options.authentication,
        secretExpiresAt: options.secretExpiresAt as EpochMs | undefined,
      })
      if (!created.ok) throw new Error(created.refusal.message)
      return { clientId: created.value.client.clientId, clientSecret: created.value.clientSecret }
    },
    async dispose() {
      await server.stop()
      rmSync(dataDirectory, { recursive: true, force: true })
    },
    async restart() {
      await server.stop()
      return startTestServer(overrides, clock, dataDirectory)
    },
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The body as JSON; throws when it is none. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a test says what shape it expects, and then asserts it
  json<T = Record<string, unknown>>(): T
}

/** One HTTP request over a connection of its own, with exactly these headers: `fetch` would add and merge some. */
export function send(
  url: string,
  options: { method?: string; headers?: Record<string, string | string[]> | string[]; body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { headers = {} } = options
    // Given as a list, headers are sent as they are, Host included.
    const sent = Array.isArray(headers) ? ['Host', new URL(url).host, ...headers] : headers
    const outgoing = request(url, { method: options.method ?? 'GET', headers: sent, agent: false })
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text,
          json: () => JSON.parse(text) as never,
        })
      })
      incoming.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end(options.body)
  })
}

/** POSTs a form. `parameters` may be a string to send exactly that. */
export function postForm(
  url: string,
  parameters: string | Record<string, string> | [string, string][],
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body = typeof parameters === 'string' ? parameters : new URLSearchParams(parameters).toString()
  return send(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      'Content-Length': String(Buffer.byteLength(body)),
      ...headers,
    },
    body,
  })
}

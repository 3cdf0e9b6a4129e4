import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const checkout: string = fileURLToPath(new URL('../..', import.meta.url))

/** What `latchkey dev --json` prints. */
export interface Ready {
  readonly issuer: string
  readonly token_endpoint: string
  readonly console: string
  readonly admin_socket: string
  readonly demo: {
    readonly client_id: string
    readonly client_secret: string
    readonly scope: string
    readonly api: string
  }
}

/** A `latchkey` process that runs until it is told otherwise. */
export interface LatchkeyProcess<Announced = Ready> {
  readonly child: ChildProcess
  readonly ready: Announced
  readonly stdout: () => string
  readonly stderr: () => string
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The environment of the tests without what would configure a server. */
const cleanEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('LATCHKEY_')),
)

function start(args: readonly string[], environment: Record<string, string> = {}): ChildProcess {
  const main = path.join(checkout, 'packages/cli/src/main.ts')
  return spawn(process.execPath, ['--conditions=latchkey-source', main, ...args], {
    cwd: tmpdir(),
    env: { ...cleanEnvironment, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Runs a command that ends by itself. */
export function latchkey(args: readonly string[], environment?: Record<string, string>): Promise<Ended> {
  const child = start(args, environment)
  const read = collect(child)
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, stdout: read.stdout(), stderr: read.stderr() }))
  })
}

/** Starts `latchkey dev --json` and waits until it is ready. */
export function startDev(
  directory: string,
  ports: readonly number[] = [0, 0, 0],
  args: readonly string[] = [],
  environment?: Record<string, string>,
): Promise<LatchkeyProcess> {
  const [port, adminPort, apiPort] = ports.map(String)
  const portFlags = [
    '--port',
    port ?? '0',
    '--admin-port',
    adminPort ?? '0',
    '--api-port',
    apiPort ?? '0',
    '--mtls-port',
    '0',
  ]
  return startLatchkey<Ready>(['dev', '--json', '--data-dir', directory, ...portFlags, ...args], environment)
}

/** Starts a command that prints a line of JSON when it is ready; rejects with what it printed when it ends before. */
export function startLatchkey<Announced>(
  args: readonly string[],
  environment?: Record<string, string>,
): Promise<LatchkeyProcess<Announced>> {
  const child = start(args, environment)
  const read = collect(child)
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return new Promise((resolve, reject) => {
    void ended.then(({ code }) => reject(new Error(`ended with ${code}: ${read.stderr()}`)))
    if (child.stdout === null) return
    createInterface(child.stdout).on('line', (line) => {
      if (!line.startsWith('{')) return
      resolve({
        child,
        ready: JSON.parse(line) as Announced,
        ...read,
        stop(signal = 'SIGTERM') {
          child.kill(signal)
          return ended
        },
      })
    })
  })
}

function collect(child: ChildProcess): { stdout: () => string; stderr: () => string } {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return { stdout: () => stdout, stderr: () => stderr }
}

/** A directory that is removed with {@link removeDirectory}. */
export function newDirectory(): string {
  return mkdtempSync(path.join(tmpdir(), 'latchkey-e2e-'))
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true })
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

export interface Reply<T> {
  readonly status: number
  readonly requestId: string
  readonly body: T
}

/** One request to the admin API over its socket. Rejects when the server goes away before the whole answer is there. */
export function admin<T>(
  socketPath: string,
  method: string,
  route: string,
  body?: unknown,
  timeoutMs?: number,
): Promise<Reply<T>> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  return exchange<T>(
    {
      socketPath,
      method,
      path: `/admin/v1${route}`,
      headers: text === undefined ? {} : { 'Content-Type': 'application/json' },
    },
    text,
    timeoutMs,
  )
}

/** POSTs a form with a client's credentials by HTTP Basic. */
export function postForm<T>(
  url: string,
  by: { readonly client_id: string; readonly client_secret: string },
  form: Record<string, string>,
  timeoutMs?: number,
): Promise<Reply<T>> {
  const { hostname, port, pathname } = new URL(url)
  const headers = {
    'Content-Type': 'application/x-www-form-urlencoded',
    Authorization: `Basic ${Buffer.from(`${by.client_id}:${by.client_secret}`).toString('base64')}`,
  }
  const options = { hostname, port, path: pathname, method: 'POST', headers }
  return exchange<T>(options, new URLSearchParams(form).toString(), timeoutMs)
}

/** Rejects with `no answer` after `timeoutMs`. */
function exchange<T>(options: object, body: string | undefined, timeoutMs?: number): Promise<Reply<T>> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...options, agent: false }, (incoming) => {
      let text = ''
      incoming.on('data', (chunk: Buffer) => (text += chunk.toString()))
      incoming.on('error', reject)
      incoming.on('end', () => {
        if (!incoming.complete) return reject(new Error('cut off'))
        const requestId = String(incoming.headers['x-request-id'])
        resolve({
          status: incoming.statusCode ?? 0,
          requestId,
          body: (text === '' ? undefined : JSON.parse(text)) as T,
        })
      })
    })
    outgoing.on('error', reject)
    if (timeoutMs !== undefined) {
      const timer = setTimeout(() => outgoing.destroy(new Error('no answer')), timeoutMs)
      outgoing.on('close', () => clearTimeout(timer))
    }
    outgoing.end(body)
  })
}

/** For what a test only prepares: throws when the answer is another. */
export function mustBe(status: number, reply: Reply<unknown>): void {
  if (reply.status !== status) throw new Error(`${reply.status} instead of ${status}: ${JSON.stringify(reply.body)}`)
}

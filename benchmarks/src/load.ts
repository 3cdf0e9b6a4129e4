import { connect, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'

/** What a run of load came to. */
export interface LoadResult {
  readonly requestsPerSecond: number
  /** Milliseconds from writing a request to having its whole answer. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers that were not 200. */
  readonly failed: number
}

export interface LoadOptions {
  readonly port: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Default POST. */
  readonly method?: 'GET' | 'POST'
  /** Further headers, those of one element for each request in turn. */
  readonly variants?: readonly Readonly<Record<string, string>>[]
  readonly connections: number
  /** An address of this machine to call from. */
  readonly from?: string
  readonly durationMs: number
  /** PEM: speaks TLS with this certificate. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string }
  /** A connection for each request, its handshake counted with it. */
  readonly freshConnections?: boolean
}

/**
 * Sends the same request, or one variant after the other, over kept-alive connections, or over a new one each time, one request at a time on each, for a given time, and counts the answers. As little work as
 * possible for each answer, so that on two cores the server is the slower side: answers are only looked at for status, length and end.
 */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const requests = (options.variants ?? [{}]).map((variant) => writeRequest(options, variant))
  // Across connections and runs, so that what comes again does so after all the others.
  const place = placeIn(options.variants ?? requests)
  const next: NextRequest = () => requests[place.sent++ % requests.length] ?? Buffer.alloc(0)
  const open = opener(options)
  const began = performance.now()
  const end = began + options.durationMs
  const runs = await Promise.all(
    Array.from({ length: options.connections }, () =>
      options.freshConnections === true ? runFresh(open, next, end) : runKept(open, next, end),
    ),
  )
  const seconds = (performance.now() - began) / 1000
  const latencies = Float64Array.from(runs.flatMap((run) => run.latencies)).toSorted()
  const quantile = (q: number): number => latencies[Math.floor(latencies.length * q)] ?? NaN
  return {
    requestsPerSecond: latencies.length / seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    failed: runs.reduce((sum, run) => sum + run.failed, 0),
  }
}

type NextRequest = () => Buffer

const places = new WeakMap<object, { sent: number }>()

/** Where the last run with these variants ended. */
function placeIn(variants: object): { sent: number } {
  const place = places.get(variants) ?? { sent: 0 }
  places.set(variants, place)
  return place
}

function writeRequest({ method = 'POST', path, headers, body }: LoadOptions, variant: object): Buffer {
  const length = method === 'POST' ? { 'Content-Length': String(Buffer.byteLength(body)) } : {}
  const all = Object.entries({ ...headers, ...variant, ...length })
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', ...all.map(([name, value]) => `${name}: ${value}`)]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

interface ConnectionRun {
  readonly latencies: number[]
  readonly failed: number
}

/** Opens a connection; `ready` is called when requests may be sent. */
type Open = (ready: () => void) => Socket

function opener({ port, tls, from }: LoadOptions): Open {
  const to = { port, host: '127.0.0.1', noDelay: true, ...(from !== undefined && { localAddress: from }) }
  if (tls === undefined) return (ready) => connect(to, ready)
  const secureContext = createSecureContext(tls)
  return (ready) => connectTls({ ...to, secureContext, servername: '', ALPNProtocols: ['http/1.1'] }, ready)
}

/** Over one connection, and over another when the server closes it: nginx does after a thousand requests. */
async function runKept(open: Open, next: NextRequest, end: number): Promise<ConnectionRun> {
  const runs: ConnectionRun[] = []
  do runs.push(await runConnection(open, next, end))
  while (performance.now() < end)
  return {
    latencies: runs.flatMap(({ latencies }) => latencies),
    failed: runs.reduce((sum, { failed }) => sum + failed, 0),
  }
}

/** One request after the other, each from its connection to its answer. */
async function runFresh(open: Open, next: NextRequest, end: number): Promise<ConnectionRun> {
  const latencies: number[] = []
  let failed = 0
  while (performance.now() < end) {
    const began = performance.now()
    const run = await runConnection(open, next, 0)
    if (run.failed > 0) failed++
    else latencies.push(performance.now() - began)
  }
  return { latencies, failed }
}

function runConnection(open: Open, next: NextRequest, end: number): Promise<ConnectionRun> {
  return new Promise((resolve, reject) => {
    const socket = open(() => send())
    const latencies: number[] = []
    let failed = 0
    let sentAt = 0
    let received = ''
    let isWaiting = false
    const send = (): void => {
      sentAt = performance.now()
      isWaiting = true
      socket.write(next())
    }
    socket.on('error', reject)
    socket.on('close', () => {
      // Closed without an answer.
      if (isWaiting) failed++
      resolve({ latencies, failed })
    })
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      const bodyAt = received.indexOf('\r\n\r\n')
      if (bodyAt === -1) return
      const head = received.slice(0, bodyAt)
      const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
      if (received.length < bodyAt + 4 + Number(length)) return
      const now = performance.now()
      if (received.startsWith('HTTP/1.1 200')) latencies.push(now - sentAt)
      else failed++
      received = ''
      isWaiting = false
      if (now < end && !/\r\nconnection: close/i.test(head)) {
        send()
      } else {
        socket.destroy()
        resolve({ latencies, failed })
      }
    })
  })
}

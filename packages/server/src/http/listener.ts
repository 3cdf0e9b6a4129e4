import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Clock } from '../kernel/clock.ts'
import { describeError, Fault } from '../kernel/faults.ts'
import { newRequestId, type RequestId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import { answerWithoutParser, refuseBrokenRequest } from './broken-request.ts'
import type { Body, Endpoint, HttpResponse } from './exchange.ts'
import type { FollowedCertificate } from './follow-certificate.ts'
import { OpenStreams } from './open-streams.ts'
import type { Peers } from './peer.ts'
import { problem } from './problem.ts'
import { createTlsServer, type TlsServer } from './tls-server.ts'

export interface ListenerOptions {
  /** For messages: `public`, `admin`. */
  readonly name: string
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  /** The flag or variable that sets the port, for the remedy when it is in use. */
  readonly portSetting: string
  /** Absent: plain HTTP. */
  readonly certificate?: FollowedCertificate | undefined
  /** Whether callers are asked for a certificate; one that brings none is served all the same (RFC 8705 §2). */
  readonly asksForCertificates?: boolean
  readonly maxBodyBytes: number
  readonly peers: Peers
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Endpoints by path, exactly; anything else goes to the rest, where there is one, and is a 404 otherwise. */
export type Endpoints = ReadonlyMap<string, Endpoint>

export interface Listener {
  readonly port: number
  /** Begins to serve: until then every request is answered with 503. Apart from opening, because the issuer may be known only with the port. */
  serve(endpoints: Endpoints, rest?: RequestListener): void
  /** Connections that are open now. */
  connections(): Promise<number>
  /** Goes on serving, but closes each connection after its answer (RFC 9112 §9.6), so that few are left when the drain comes. */
  windDown(): void
  /** Refuses new connections, answers what comes on old ones once more, and closes. After `graceMs` what is still open is cut off. */
  drain(graceMs: number): Promise<void>
}

/** Opens a listener. Throws Fault `listener.port_in_use` or `listener.cannot_bind`. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const state: State = {
    windingDown: false,
    endpoints: undefined,
    rest: undefined,
    streams: new OpenStreams(),
  }
  const onRequest = (message: IncomingMessage, response: ServerResponse): void => {
    accept(options, state, message, response)
  }
  const tls = options.certificate && tlsServer(options, options.certificate, onRequest)
  const server = tls?.server ?? createServer(limits, onRequest)
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    refuseBrokenRequest(options, error, socket)
  })
  // What holds connections open without asking for anything must not take the descriptors that the audit log needs.
  server.maxConnections = maxConnections
  await listen(server, options)
  const { port } = server.address() as AddressInfo
  return {
    port,
    serve(endpoints, rest) {
      state.endpoints = endpoints
      state.rest = rest
    },
    connections: () =>
      new Promise((resolve) => {
        server.getConnections((_error, count) => resolve(count ?? 0))
      }),
    windDown() {
      state.windingDown = true
    },
    async drain(graceMs) {
      state.windingDown = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      state.streams.endAll()
      server.closeIdleConnections()
      tls?.closeSilentConnections()
      const handshakes = setTimeout(() => tls?.closeUnfinishedHandshakes(), Math.min(handshakeGraceMs, graceMs))
      const timer = setTimeout(() => {
        server.closeAllConnections()
        tls?.closeEveryConnection()
      }, graceMs)
      await closed
      clearTimeout(handshakes)
      clearTimeout(timer)
    },
  }
}

/** How long a handshake that is under way when a drain begins may still take, in milliseconds. A half-finished one asks for nothing yet. */
const handshakeGraceMs = 1000

/** Slow senders: a header section or a body may take this long, no longer. In milliseconds. */
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 2000,
}

const starting = problem(503, 'Starting', 'this server is starting; send the request again', ['Retry-After', '1'])

/** Connections at a time; further ones are closed. A proxy in front keeps strangers' and partners' apart. */
const maxConnections = 8192

/** The origin of a listener on this address; a loopback name or address stays as it is, IPv6 gets its brackets (RFC 3986 §3.2.2). */
export function originOf(host: string, port: number, scheme: 'http' | 'https' = 'http'): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

interface State {
  windingDown: boolean
  endpoints: Endpoints | undefined
  /** Reads bodies and answers by itself. */
  rest: RequestListener | undefined
  /** A drain ends them, so that whoever listens goes to another server. */
  readonly streams: OpenStreams
}

function accept(options: ListenerOptions, state: State, message: IncomingMessage, response: ServerResponse): void {
  // A stream closes its connection (RFC 9112 §9.6). What comes after it would wait in memory for an answer that cannot leave.
  if (state.streams.has(message.socket)) {
    message.socket.destroy()
    return
  }
  const id = newRequestId(options.random, options.clock.now())
  if (state.endpoints === undefined) {
    message.resume()
    answer(response, id, starting, state.windingDown)
    return
  }
  const url = message.url ?? '/'
  const question = url.indexOf('?')
  const path = question === -1 ? url : url.slice(0, question)
  const endpoint = state.endpoints.get(path)
  if (endpoint === undefined && state.rest !== undefined) {
    if (state.windingDown) response.shouldKeepAlive = false
    state.rest(message, response)
    return
  }
  if (endpoint === undefined) {
    message.resume()
    answer(response, id, problem(404, 'Not found', 'nothing is served at this path'), state.windingDown)
    return
  }
  readBody(message, options.maxBodyBytes, (body) => {
    const request = {
      id,
      method: message.method ?? '',
      path,
      query: question === -1 ? '' : url.slice(question + 1),
      headers: message.headers,
      rawHeaders: message.rawHeaders,
      address: options.peers.address(message),
      certificate: options.peers.certificate(message),
      body,
    }
    // Called inside a promise, so that what an endpoint throws at once ends its request and not the process.
    const answered = new Promise<HttpResponse>((resolve) => {
      resolve(endpoint(request))
    })
    answered.then(
      (result) => {
        if (result.goOn !== undefined) {
          state.streams.open(message.socket, response, id, result, result.goOn)
          return
        }
        // Nothing that comes after an oversized body on this connection can be trusted to be a request.
        answer(response, id, result, state.windingDown || body.kind === 'too-large')
      },
      (error: unknown) => {
        options.logger.error({ request_id: id, path, error: describeError(error) }, 'unexpected error')
        answer(response, id, problem(500, 'Internal error', 'the server made a mistake; the request id names it'))
      },
    )
  })
}

function tlsServer(options: ListenerOptions, certificate: FollowedCertificate, onRequest: RequestListener): TlsServer {
  const { name, logger } = options
  return createTlsServer(
    {
      certificate,
      asksForCertificates: options.asksForCertificates === true,
      limits,
      refusePlain: (socket) => {
        answerWithoutParser(options, socket, '400 Bad Request', 'this port speaks HTTPS: use an https URL\n')
        // What is still being sent is read and dropped, so that the answer arrives and the end is seen; but not for ever.
        socket.resume()
        socket.setTimeout(2000, () => socket.destroy())
      },
      noteFailedHandshake: (error) => logger.debug({ listener: name, error }, 'a TLS handshake failed'),
    },
    onRequest,
  )
}

/**
 * Collects the body; `done` is called once. A caller that goes away in the middle is forgotten. A body beyond the limit is answered at once; its
 * rest is read and dropped, so that the caller gets to see the answer, unless there is no end to it.
 */
function readBody(message: IncomingMessage, maxBytes: number, done: (body: Body) => void): void {
  const chunks: Buffer[] = []
  let size = 0
  message.on('data', (chunk: Buffer) => {
    const before = size
    size += chunk.length
    if (size <= maxBytes) chunks.push(chunk)
    else if (before <= maxBytes) done({ kind: 'too-large' })
    else if (size > maxBytes * 64) message.destroy()
  })
  message.on('end', () => {
    const [first] = chunks
    if (size > maxBytes) return
    done({ kind: 'whole', bytes: chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks) })
  })
  message.on('error', () => undefined)
}

function answer(response: ServerResponse, id: RequestId, result: HttpResponse, close = false): void {
  if (response.headersSent || response.destroyed) return
  const { status, body } = result
  const headers = ['X-Request-Id', id, ...result.headers]
  const bytes = Buffer.byteLength(body)
  // A 304 has no body, and its Content-Length would speak of the 200's (RFC 9110 §8.6).
  if (status !== 304) headers.push('Content-Length', String(bytes))
  if (close) headers.push('Connection', 'close')
  response.writeHead(status, headers)
  // ASCII, as nearly every answer is, goes out as Latin-1 without being encoded.
  response.end(body, bytes === body.length ? 'latin1' : 'utf8')
}

function listen(server: Server, options: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `${options.host}:${options.port}`
      reject(
        error.code === 'EADDRINUSE'
          ? new Fault(
              'listener.port_in_use',
              `port ${options.port} on ${options.host} is in use (${options.name} listener)`,
              `stop what uses it, or choose another with ${options.portSetting}`,
              { cause: error },
            )
          : new Fault(
              'listener.cannot_bind',
              `cannot listen on ${where} (${options.name} listener): ${describeError(error)}`,
              `choose an address of this machine and a port that this user may use, with ${options.portSetting}`,
              { cause: error },
            ),
      )
    })
    server.listen(options.port, options.host, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

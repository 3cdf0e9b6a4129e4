import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Clock } from '../kernel/clock.ts'
import { describeError, Fault } from '../kernel/faults.ts'
import { newRequestId, type RequestId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import type { Body, Endpoint, HttpResponse } from './exchange.ts'
import type { FindAddress } from './peer.ts'
import { problem } from './problem.ts'

export interface ListenerOptions {
  /** For messages: `public`, `admin`. */
  readonly name: string
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  /** The flag or variable that sets the port, for the remedy when it is in use. */
  readonly portSetting: string
  readonly maxBodyBytes: number
  readonly findAddress: FindAddress
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Endpoints by path, exactly; anything else is a 404. */
export type Endpoints = ReadonlyMap<string, Endpoint>

export interface Listener {
  readonly port: number
  /** Begins to serve: until then every request is answered with 503. Apart from opening, because the issuer may be known only with the port. */
  serve(endpoints: Endpoints): void
  /**
   * Refuses new connections at once and new requests on old ones with 503, lets requests under way finish, and closes. After `graceMs` what
   * is still open is cut off.
   */
  drain(graceMs: number): Promise<void>
}

/** Opens a listener. Throws Fault `listener.port_in_use` or `listener.cannot_bind`. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const state: State = { draining: false, endpoints: undefined }
  const server = createServer(
    // Slow senders: a header section or a body may take this long, no longer.
    { headersTimeout: 10_000, requestTimeout: 20_000, keepAliveTimeout: 65_000, connectionsCheckingInterval: 2000 },
    (message, response) => {
      accept(options, state, message, response)
    },
  )
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    refuseBrokenRequest(options, error, socket)
  })
  // What holds connections open without asking for anything must not take the descriptors that the audit log needs.
  server.maxConnections = maxConnections
  await listen(server, options)
  const { port } = server.address() as AddressInfo
  return {
    port,
    serve(endpoints) {
      state.endpoints = endpoints
    },
    async drain(graceMs) {
      state.draining = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      const timer = setTimeout(() => {
        server.closeAllConnections()
      }, graceMs)
      await closed
      clearTimeout(timer)
    },
  }
}

const stopping = problem(503, 'Stopping', 'this server is stopping; send the request again', ['Retry-After', '1'])
const starting = problem(503, 'Starting', 'this server is starting; send the request again', ['Retry-After', '1'])

/** Connections at a time; further ones are closed. A proxy in front keeps strangers' and partners' apart. */
const maxConnections = 8192

/** The origin of a listener on this address; a loopback name or address stays as it is, IPv6 gets its brackets (RFC 3986 §3.2.2). */
export function originOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

interface State {
  draining: boolean
  endpoints: Endpoints | undefined
}

function accept(options: ListenerOptions, state: State, message: IncomingMessage, response: ServerResponse): void {
  const id = newRequestId(options.random, options.clock.now())
  if (state.draining || state.endpoints === undefined) {
    message.resume()
    answer(response, id, state.draining ? stopping : starting, state.draining)
    return
  }
  const url = message.url ?? '/'
  const question = url.indexOf('?')
  const path = question === -1 ? url : url.slice(0, question)
  const endpoint = state.endpoints.get(path)
  if (endpoint === undefined) {
    message.resume()
    answer(response, id, problem(404, 'Not found', 'nothing is served at this path'))
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
      address: options.findAddress(message),
      body,
    }
    // Called inside a promise, so that what an endpoint throws at once ends its request and not the process.
    const answered = new Promise<HttpResponse>((resolve) => {
      resolve(endpoint(request))
    })
    answered.then(
      (result) => {
        // Nothing that comes after an oversized body on this connection can be trusted to be a request.
        answer(response, id, result, state.draining || body.kind === 'too-large')
      },
      (error: unknown) => {
        options.logger.error({ request_id: id, path, error: describeError(error) }, 'unexpected error')
        answer(response, id, problem(500, 'Internal error', 'the server made a mistake; the request id names it'))
      },
    )
  })
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

/** Answers what node:http could not parse, or gave up waiting for (RFC 9112 §2.2). */
function refuseBrokenRequest(options: ListenerOptions, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request'
  const id = newRequestId(options.random, options.clock.now())
  options.logger.info({ request_id: id, listener: options.name, error: error.code }, 'not an HTTP request')
  socket.end(
    `HTTP/1.1 ${status}\r\nX-Request-Id: ${id}\r\nCache-Control: no-store\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
  )
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

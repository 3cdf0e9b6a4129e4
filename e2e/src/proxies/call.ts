import { request as sendPlain } from 'node:http'
import { request as sendOverTls, type Agent } from 'node:https'
import { TLSSocket } from 'node:tls'
import type { Identity, Stage } from './stage.ts'

export interface Call {
  readonly path?: string
  readonly body?: string
  /** Header lines: name, value, name, value …, repeated ones included. */
  readonly lines?: readonly string[]
  /** Presented in the handshake with the proxy. */
  readonly identity?: Identity | undefined
  readonly agent?: Agent
  /** One of this machine's loopback addresses, to come from. */
  readonly from?: string
}

export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
  /** Whether the connection began with the session of an earlier one. */
  readonly isResumed: boolean
  /** The caller's port: the same for requests over one connection. */
  readonly localPort: number | undefined
}

/** Calls what is behind the proxy, through it. */
export function throughProxy(stage: Stage, to: 'login' | 'api', call: Call): Promise<Answer> {
  const port = stage.ports[to]
  return exchange(call, (headers) =>
    sendOverTls({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ca: stage.trust,
      headers: ['Host', `localhost:${port}`, ...headers],
      agent: call.agent ?? false,
      ...options(call),
      ...call.identity,
    }),
  )
}

/** Calls what is behind the proxy, past it. */
export function pastProxy(stage: Stage, to: 'login' | 'api', call: Call): Promise<Answer> {
  const host = stage.upstreams[to]
  return exchange(call, (headers) =>
    sendPlain({
      host: '127.0.0.1',
      port: Number(host.split(':')[1]),
      headers: ['Host', host, ...headers],
      agent: false,
      ...options(call),
    }),
  )
}

function options({ path = '/', body, from = '127.0.0.2' }: Call): object {
  return { path, method: body === undefined ? 'GET' : 'POST', localAddress: from }
}

function exchange(
  { body, lines = [] }: Call,
  open: (headers: readonly string[]) => ReturnType<typeof sendPlain>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const form = ['Content-Type', 'application/x-www-form-urlencoded', 'Content-Length', String(body?.length)]
    const outgoing = open([...(body === undefined ? [] : form), ...lines])
    outgoing.on('response', (incoming) => {
      const { socket } = incoming
      const connection = {
        isResumed: socket instanceof TLSSocket && socket.isSessionReused(),
        localPort: socket.localPort,
      }
      let text = ''
      incoming.on('data', (chunk: Buffer) => (text += chunk.toString()))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const isJson = String(incoming.headers['content-type']).includes('json') || text.startsWith('{')
        resolve({
          status: incoming.statusCode ?? 0,
          body: isJson ? (JSON.parse(text) as Record<string, unknown>) : { text },
          ...connection,
        })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

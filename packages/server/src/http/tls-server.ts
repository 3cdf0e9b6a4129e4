import { constants, randomBytes } from 'node:crypto'
import type { RequestListener, ServerOptions } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { FollowedCertificate } from './follow-certificate.ts'

/** An https server whose certificate can be replaced. */
export interface TlsServer {
  readonly server: Server
  /** Closes connections that have not said anything yet. */
  closeSilentConnections(): void
  /** Closes those whose handshake has begun and not ended. */
  closeUnfinishedHandshakes(): void
  /** Closes every connection, those in a handshake too, which node:https does not count among its own. */
  closeEveryConnection(): void
}

export interface TlsServerOptions {
  readonly certificate: FollowedCertificate
  readonly asksForCertificates: boolean
  readonly limits: ServerOptions
  /** Answers who did not speak TLS; has to end the connection. */
  readonly refusePlain: (socket: Socket) => void
  /** Told of handshakes that failed, by error code. */
  readonly noteFailedHandshake: (code: string | undefined) => void
}

/** How long the first byte, and then the handshake, may take, in milliseconds. */
const handshakeTimeoutMs = 10_000

/** TLS 1.3 as it comes; of TLS 1.2 what has forward secrecy and authenticated encryption (RFC 9325 §4.2). */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** First byte of every TLS connection: a record of the handshake (RFC 8446 §5.1). */
const handshakeRecord = 0x16

export function createTlsServer(options: TlsServerOptions, answer: RequestListener): TlsServer {
  const { certificate } = options
  // For each certificate anew: what is left out here would fall back to a default.
  const context = () => ({
    cert: certificate.current().cert,
    key: certificate.current().key,
    minVersion: 'TLSv1.2' as const,
    ciphers,
    // A connection is one party's from its handshake to its end.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    // None: clients choose among their certificates by the names of these, and a self-made one is under no name. Who is trusted is not decided here.
    ...(options.asksForCertificates ? { ca: [] } : {}),
  })
  const server = createServer(
    {
      ...options.limits,
      ...context(),
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: handshakeTimeoutMs,
      requestCert: options.asksForCertificates,
      // The handshake proves that the other side has the private key; what its certificate is worth is judged at every request.
      rejectUnauthorized: false,
    },
    answer,
  )
  if (options.asksForCertificates) {
    // A session resumes only where it began: with the keys that node:cluster shares, a worker would meet certificates without the intermediates that came with
    // them, which are not in a session (RFC 8446 §2.2).
    server.on('listening', () => server.setTicketKeys(randomBytes(48)))
  }
  certificate.onChange(() => {
    server.setSecureContext(context())
  })
  // Otherwise node:https reports these like requests that could not be parsed.
  server.removeAllListeners('tlsClientError')
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    options.noteFailedHandshake(error.code)
    socket.destroy()
  })

  // The first byte tells TLS from HTTP: later, nothing could be said any more to who speaks the wrong one.
  const silent = new Set<Socket>()
  const open = new Set<Socket>()
  // By the address of the other side: what a finished handshake hands out is another object.
  const shaking = new Map<string, Socket>()
  const nameOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`
  server.on('secureConnection', (secure) => shaking.delete(nameOf(secure)))
  const beginHandshake = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    silent.add(socket)
    open.add(socket)
    const name = nameOf(socket)
    const giveUp = () => socket.destroy()
    socket.on('error', giveUp)
    socket.once('close', () => {
      silent.delete(socket)
      open.delete(socket)
      if (shaking.get(name) === socket) shaking.delete(name)
    })
    socket.setTimeout(handshakeTimeoutMs, giveUp)
    socket.once('readable', () => {
      const first = socket.read() as Buffer | null
      if (first === null) return giveUp()
      silent.delete(socket)
      socket.off('timeout', giveUp).setTimeout(0)
      if (first[0] !== handshakeRecord) return options.refusePlain(socket)
      shaking.set(name, socket)
      socket.unshift(first)
      for (const begin of beginHandshake) begin.call(server, socket)
    })
  })
  const destroy = (sockets: Iterable<Socket>) => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    server,
    closeSilentConnections: () => destroy(silent),
    closeUnfinishedHandshakes: () => destroy(shaking.values()),
    closeEveryConnection: () => destroy(open),
  }
}

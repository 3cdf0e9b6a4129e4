import type { Socket } from 'node:net'
import type { Clock } from '../kernel/clock.ts'
import { newRequestId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'

/** What of a listener such an answer needs. */
interface BrokenRequestOptions {
  /** Of the listener, for the log. */
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Answers what node:http could not parse, or gave up waiting for (RFC 9112 §2.2). */
export function refuseBrokenRequest(options: BrokenRequestOptions, error: NodeJS.ErrnoException, socket: Socket): void {
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
  answerWithoutParser(options, socket, status, '', error.code)
}

/** Answers where node:http cannot, and ends the connection. */
export function answerWithoutParser(
  options: BrokenRequestOptions,
  socket: Socket,
  status: string,
  text: string,
  error = '',
): void {
  const id = newRequestId(options.random, options.clock.now())
  options.logger.info({ request_id: id, listener: options.name, error }, 'not an HTTP request')
  const head = [
    `HTTP/1.1 ${status}`,
    `X-Request-Id: ${id}`,
    'Content-Type: text/plain',
    'Cache-Control: no-store',
    `Content-Length: ${text.length}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
}

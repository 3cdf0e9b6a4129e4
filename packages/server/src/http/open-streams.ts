import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { RequestId } from '../kernel/ids.ts'
import type { HttpResponse, ResponseStream } from './exchange.ts'

/** What a slow reader of a stream may leave waiting in memory, in bytes. */
const maxBacklog = 4 * 1024 * 1024

/** Responses that go on, at most one for each connection, which they close at their end (RFC 9112 §9.6). */
export class OpenStreams {
  readonly #byConnection = new Map<Socket, ResponseStream>()
  #isOver = false

  has(connection: Socket): boolean {
    return this.#byConnection.has(connection)
  }

  /** Begins the response and hands it to `goOn`; to nobody after {@link OpenStreams.endAll}. */
  open(
    connection: Socket,
    response: ServerResponse,
    id: RequestId,
    { status, headers, body }: HttpResponse,
    goOn: (stream: ResponseStream) => void,
  ): void {
    if (response.headersSent || response.destroyed) return
    // Two that were asked for in one breath: of the second nobody would ever read a byte.
    if (this.#byConnection.has(connection)) {
      connection.destroy()
      return
    }
    response.writeHead(status, ['X-Request-Id', id, 'Connection', 'close', ...headers])
    if (body !== '') response.write(body)
    const stream: ResponseStream = {
      send(text) {
        if (response.destroyed || response.writableEnded) return true
        const keepsUp = response.write(text)
        if (response.writableLength > maxBacklog) response.destroy()
        return keepsUp
      },
      onceTaken: (listener) => response.once('drain', listener),
      cut: () => response.destroy(),
      end: () => response.end(),
      onEnd: (listener) => response.once('close', listener),
    }
    this.#byConnection.set(connection, stream)
    stream.onEnd(() => this.#byConnection.delete(connection))
    if (this.#isOver) stream.end()
    else goOn(stream)
  }

  /** Ends those that are open, and at once whichever is opened from now on. */
  endAll(): void {
    this.#isOver = true
    for (const stream of this.#byConnection.values()) stream.end()
  }
}

import type { IncomingHttpHeaders } from 'node:http'
import type { RequestId } from '../kernel/ids.ts'
import type { PresentedCertificate } from './client-certificate.ts'

/** A request body as it arrived. A body that was cut off by the caller never gets this far: there is nobody to answer. */
export type Body = { readonly kind: 'whole'; readonly bytes: Buffer } | { readonly kind: 'too-large' }

/** A request, free of sockets: what an endpoint is a function of. */
export interface HttpRequest {
  readonly id: RequestId
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** Without the question mark; empty when there is none. */
  readonly query: string
  readonly headers: IncomingHttpHeaders
  /** Names and values in turn, as sent: the only place where a repeated header shows. */
  readonly rawHeaders: readonly string[]
  /** Where it came from, by the rules of `http/peer`; `unknown…` where a proxy does not say so readably. */
  readonly address: string
  /** The caller's: of a connection to a listener that asks for one, or handed on by a proxy that is believed about it. */
  readonly certificate?: PresentedCertificate | undefined
  readonly body: Body
}

/** An answer. `X-Request-Id`, `Date` and `Content-Length` are the listener's. */
export interface HttpResponse {
  readonly status: number
  /** Names and values in turn. */
  readonly headers: readonly string[]
  readonly body: string
  /** An answer that goes on: called with the open response once head and `body` are on their way. */
  readonly goOn?: (stream: ResponseStream) => void
}

/** An open response, the last of its connection. It ends when the caller goes away, when too much piles up for it, and when the listener drains. */
export interface ResponseStream {
  /** Answers whether the caller keeps up; when not, wait for {@link ResponseStream.onceTaken} before sending more. */
  send(text: string): boolean
  /** Calls `listener` once, when everything sent has left. */
  onceTaken(listener: () => void): void
  end(): void
  /** Ends it without what has not left yet, for a caller that does not read. */
  cut(): void
  /** Called once, whoever ended it. */
  onEnd(listener: () => void): void
}

/** An endpoint is a plain function of the request. What it throws becomes a 500 without particulars. */
export type Endpoint = (request: HttpRequest) => Promise<HttpResponse>

/** How many times a header was sent. */
export function countHeader(request: HttpRequest, lowerCaseName: string): number {
  let count = 0
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]
    if (name?.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName) count++
  }
  return count
}

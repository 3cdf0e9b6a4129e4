/** The part of fetch that following a feed needs. */
type QuietInit = Pick<RequestInit, 'redirect'> & {
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/**
 * A fetch for Node whose sockets do not keep the process alive: the stream of revocations never ends, and a script or a test that uses a guard must
 * be able to. For what nobody waits for: the process may end in the middle of it. The global fetch has no way to say so; elsewhere than on Node it is used as it is. Knows headers (an object), `signal` and
 * `redirect: 'error'`; sends no body, decodes no content encoding and asks for none.
 */
export const quietFetch: typeof globalThis.fetch =
  typeof globalThis.process?.getBuiltinModule === 'function'
    ? (place, init) =>
        fetchOverNodeHttp(new URL(place instanceof Request ? place.url : place), (init ?? {}) as QuietInit)
    : (place, init) => globalThis.fetch(place, init)

function fetchOverNodeHttp(url: URL, { headers, signal, redirect }: QuietInit): Promise<Response> {
  const { request } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http')
  const { Readable } = process.getBuiltinModule('node:stream')
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...(headers && { headers }), ...(signal && { signal }) })
    sent.on('socket', (socket) => socket.unref())
    sent.on('error', reject)
    sent.on('response', (incoming) => {
      const status = incoming.statusCode ?? 0
      if (redirect === 'error' && status >= 300 && status < 400 && status !== 304) {
        sent.destroy(new TypeError('unexpected redirect'))
        return
      }
      const answer = { status, headers: readHeaders(incoming.rawHeaders) }
      try {
        resolve(
          status === 204 || status === 304
            ? new Response(null, answer)
            : new Response(Readable.toWeb(incoming) as ReadableStream<Uint8Array<ArrayBuffer>>, answer),
        )
      } catch (error) {
        sent.destroy(error as Error)
      }
      if (status === 204 || status === 304) incoming.resume()
    })
    sent.end()
  })
}

function readHeaders(raw: readonly string[]): Headers {
  const headers = new Headers()
  for (let i = 0; i + 1 < raw.length; i += 2) headers.append(raw[i] ?? '', raw[i + 1] ?? '')
  return headers
}

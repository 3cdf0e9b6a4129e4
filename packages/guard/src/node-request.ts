import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { readRequestFacts, type ConnectionFacts, type RequestFacts } from './request-facts.ts'

/** The facts of a request of node:http or node:https. `originalUrl` is what Express and its kind leave of the target where routers have cut `url`. */
export function nodeRequestFacts(request: IncomingMessage & { readonly originalUrl?: string }): RequestFacts {
  const { rawHeaders, socket, method, originalUrl, url } = request
  return readRequestFacts(rawHeaders, nodeConnection(socket), { method, target: originalUrl ?? url })
}

/**
 * The certificate is there when the server of node:https asks for one (`requestCert`); that it rejects none (`rejectUnauthorized: false`) is fine. Told by what
 * the socket can do, so that nothing of node:tls is loaded where there is none.
 */
export function nodeConnection(socket: IncomingMessage['socket']): ConnectionFacts {
  const { getPeerX509Certificate } = socket as Partial<TLSSocket>
  return { address: socket.remoteAddress, certificate: getPeerX509Certificate?.call(socket)?.raw }
}

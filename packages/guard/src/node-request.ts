import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { readRequestFacts, type ConnectionFacts, type RequestFacts } from './request-facts.ts'

/** The facts of a request of node:http or node:https. */
export function nodeRequestFacts({ rawHeaders, socket }: IncomingMessage): RequestFacts {
  return readRequestFacts(rawHeaders, nodeConnection(socket))
}

/**
 * The certificate is there when the server of node:https asks for one (`requestCert`); that it rejects none (`rejectUnauthorized: false`) is fine. Told by what
 * the socket can do, so that nothing of node:tls is loaded where there is none.
 */
export function nodeConnection(socket: IncomingMessage['socket']): ConnectionFacts {
  const { getPeerX509Certificate } = socket as Partial<TLSSocket>
  return { address: socket.remoteAddress, certificate: getPeerX509Certificate?.call(socket)?.raw }
}

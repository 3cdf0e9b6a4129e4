import { compare, durationMs } from './compare.ts'
import { load, type LoadResult } from './load.ts'
import { startSubject, type MtlsSubject } from './subject.ts'

const connectionCounts = [1, 16]

/**
 * The token endpoint by certificate (`tls_client_auth`), beside node:https that asks for the same certificates, makes the same handshakes with the same key, and
 * signs one token a request. Sessions are never resumed: each new connection is a whole handshake of TLS 1.3.
 */
export async function measureMtls(): Promise<void> {
  const latchkey = await startSubject<MtlsSubject>('./latchkey-server.ts', 'interval')
  const bare = await startSubject('./bare-server.ts', JSON.stringify(latchkey.serverFiles))
  const subjects = {
    'bare node:https, one ES256 signature a request': bare.port,
    latchkey: latchkey.mtlsPort,
  }
  for (const freshConnections of [true, false]) {
    for (const connections of connectionCounts) {
      const what = freshConnections ? 'a new connection for each' : 'kept-alive'
      await compare(
        `Tokens by certificate, ${what}, ${connections} at a time`,
        'tokens',
        Object.fromEntries(
          Object.entries(subjects).map(([name, port]) => [
            name,
            () => requestTokens(latchkey, port, connections, freshConnections),
          ]),
        ),
      )
    }
  }
  await Promise.all([latchkey.stop(), bare.stop()])
}

function requestTokens(
  { mtls }: MtlsSubject,
  port: number,
  connections: number,
  freshConnections: boolean,
): Promise<LoadResult> {
  const { clientId, cert, key, ca } = mtls
  return load({
    port,
    path: '/oauth2/token',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId }).toString(),
    connections,
    durationMs,
    tls: { cert, key, ca },
    freshConnections,
  })
}

import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { createGuard } from '@latchkey/guard'
import { protect } from '@latchkey/guard/node'

export interface TlsApi {
  readonly url: string
  /** What its certificate is trusted by: a file. */
  readonly authorityFile: string
  close(): Promise<void>
}

/** An API behind guard that asks its callers for certificates, with the certificate that `dev` made for its own listener. */
export async function startTlsApi(issuer: string, dataDirectory: string): Promise<TlsApi> {
  const file = (name: string) => path.join(dataDirectory, 'mtls', name)
  const guard = createGuard({
    issuer,
    audience: 'https://api.example.com/configurations',
    resourceServer: 'configurations',
  })
  await guard.start()
  const items = protect(guard, { scopes: ['configurations/configurations.read'] }, (_request, response, access) => {
    response.end(JSON.stringify({ items: [access.clientId] }))
  })
  const tls = { cert: readFileSync(file('server.pem')), key: readFileSync(file('server.key')) }
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    void items(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    authorityFile: file('root.pem'),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await guard.close()
    },
  }
}

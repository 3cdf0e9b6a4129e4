import type { NetworkPolicyDocument, ResourceServerDocument } from '@latchkey/protocol'
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What the issuer says of the API under test, to the credential of it alone. */
export interface TestResourceServer {
  readonly credential: { readonly clientId: string; readonly clientSecret: string }
  /** Undefined: answered with 404, as by an issuer that knows no rules. Set by a test, in whatever form. */
  document: ResourceServerDocument | Readonly<Record<string, unknown>> | undefined
  /** By id; what is not here is answered with 404. */
  readonly policies: Map<string, NetworkPolicyDocument | Readonly<Record<string, unknown>>>
  /** `Cache-Control` of policies. */
  cacheControl: string
}

export function createTestResourceServer(): TestResourceServer {
  return {
    credential: { clientId: 'test-api', clientSecret: 'test-api-secret/+ ü' },
    document: undefined,
    policies: new Map(),
    cacheControl: 'private, max-age=60',
  }
}

export function serveTestResourceServer(
  { credential, document, policies, cacheControl }: TestResourceServer,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const [clientId, clientSecret] = readBasic(request.headers.authorization)
  if (clientId !== credential.clientId || clientSecret !== credential.clientSecret) {
    response.writeHead(401, { 'www-authenticate': 'Basic' }).end()
    return
  }
  const asked = new URL(request.url ?? '/', 'http://issuer').searchParams.get('policy')
  const found = asked === null ? document : policies.get(asked)
  if (found === undefined) return void response.writeHead(404).end()
  const body = JSON.stringify(found)
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  const headers = { etag, 'cache-control': cacheControl, 'content-type': 'application/json' }
  if (request.headers['if-none-match'] === etag) return void response.writeHead(304, headers).end()
  response.writeHead(200, headers).end(body)
}

function readBasic(authorization: string | undefined): string[] {
  const [, base64 = ''] = /^Basic (.+)$/.exec(authorization ?? '') ?? []
  return [...new URLSearchParams(Buffer.from(base64, 'base64').toString().replace(':', '&')).keys()]
}

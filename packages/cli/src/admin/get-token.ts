import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import {
  authorizationServerMetadataUrl,
  protectedResourceMetadataUrl,
  type AuthorizationServerMetadata,
  type ProtectedResourceMetadata,
} from '@latchkey/protocol'
import { Failure } from '../failure.ts'
import { noAnswer } from './connection.ts'
import type { RemoteCredentials } from './remote-credentials.ts'

/** Longest document or token answer that is read, in bytes, and how long one may take, in milliseconds. */
const maxBytes = 1024 * 1024
const patienceMs = 20_000

/**
 * Finds the token endpoint for the admin API at `server` (RFC 9728, then RFC 8414). The secret goes where this leads, so that not everything that is
 * found is believed: the issuer must be the one that LATCHKEY_ISSUER names or, without it, be on the host that the user typed; over https, or on
 * this machine; and its token endpoint must be its own. Fails with `issuer.not_trusted`, `server.no_answer`.
 */
export async function findTokenEndpoint(server: string, { issuer: named }: RemoteCredentials): Promise<string> {
  const resource = (await readDocument(protectedResourceMetadataUrl(server))) as Partial<ProtectedResourceMetadata>
  // RFC 9728 §3.3: one that speaks of another resource is not to be used.
  if (resource.resource !== server) throw notTrusted(`${server} describes itself as ${String(resource.resource)}`)
  const offered = Array.isArray(resource.authorization_servers) ? resource.authorization_servers : []
  const issuer = named ?? String(offered[0])
  if (!offered.includes(issuer)) throw notTrusted(`${server} takes tokens of ${offered.join(', ')}, not of ${issuer}`)
  if (!isSafeUrl(issuer)) throw notTrusted(`the issuer ${issuer} is neither on https nor on this machine`)
  if (named === undefined && hostOf(issuer) !== hostOf(server)) {
    throw notTrusted(`${server} takes tokens of ${issuer}, which is on another host`)
  }
  const metadata = (await readDocument(authorizationServerMetadataUrl(issuer))) as Partial<AuthorizationServerMetadata>
  const endpoint = String(metadata.token_endpoint)
  // RFC 8414 §3.3.
  if (metadata.issuer !== issuer || !URL.canParse(endpoint) || new URL(endpoint).origin !== new URL(issuer).origin) {
    throw notTrusted(`the metadata of ${issuer} is not its own`)
  }
  return endpoint
}

/** A token with one scope (RFC 6749 §4.4). Fails with the endpoint's error code; the secret is in no message. */
export async function getToken(
  endpoint: string,
  { clientId, clientSecret }: RemoteCredentials,
  scope: string,
): Promise<string> {
  const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64')
  const body = new URLSearchParams({ grant_type: 'client_credentials', scope }).toString()
  const { status, json } = await ask(endpoint, body, {
    authorization: `Basic ${basic}`,
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(Buffer.byteLength(body)),
  })
  const { access_token: token, error } = json as { access_token?: unknown; error?: unknown }
  if (status === 200 && typeof token === 'string') return token
  if (error === 'invalid_client') {
    const hint =
      'check LATCHKEY_CLIENT_ID and the secret; an administrator sees with `latchkey client show` what is in force'
    throw new Failure(1, 'invalid_client', `${endpoint} does not take the credentials of client ${clientId}`, hint)
  }
  if (error === 'invalid_scope') {
    const hint = `an administrator grants it: latchkey client update ${clientId} --add-scope ${scope}`
    throw new Failure(1, 'invalid_scope', `client ${clientId} does not hold ${scope}`, hint)
  }
  const hint = 'look at the log of the server'
  throw new Failure(
    1,
    typeof error === 'string' ? error : 'server.no_answer',
    `${endpoint} gave no token (status ${status})`,
    hint,
  )
}

/** Whether a secret may be sent there: nobody on the way can read it. */
export function isSafeUrl(value: string): boolean {
  const url = URL.parse(value)
  if (url === null || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}

/** All names of this machine are one host. */
function hostOf(value: string): string {
  const { hostname } = new URL(value)
  return isLoopback(hostname) ? 'localhost' : hostname
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

async function readDocument(url: string): Promise<object> {
  const { status, json } = await ask(url, undefined, {})
  if (status === 200) return json
  throw new Failure(
    1,
    'server.no_answer',
    `${url} answers with status ${status}`,
    'check --server: it is the address of the admin listener',
  )
}

/** One request; no redirect is followed. */
async function ask(
  url: string,
  body: string | undefined,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly json: object }> {
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const begin = url.startsWith('https:') ? httpsRequest : httpRequest
      const method = body === undefined ? 'GET' : 'POST'
      const sent = begin(url, {
        method,
        headers: { accept: 'application/json', ...headers },
        signal: AbortSignal.timeout(patienceMs),
      })
      sent.once('error', reject)
      sent.once('response', resolve)
      sent.end(body)
    })
    let bytes = 0
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBytes) response.destroy(new Error('the answer is too long'))
    })
    const json: unknown = JSON.parse(await text(response))
    return { status: response.statusCode ?? 0, json: typeof json === 'object' && json !== null ? json : {} }
  } catch (error) {
    const reason = error instanceof SyntaxError ? new Error('the answer is not JSON') : (error as Error)
    throw noAnswer(url, reason)
  }
}

function notTrusted(message: string): Failure {
  const hint = 'if it is the right one, say so: set LATCHKEY_ISSUER to the issuer; the secret has not been sent'
  return new Failure(2, 'issuer.not_trusted', message, hint)
}

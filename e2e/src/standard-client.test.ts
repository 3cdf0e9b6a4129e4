// A well-known OAuth client that knows nothing of Latchkey: discovery, token, introspection, revocation, JWT validation, errors.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import * as oauth from 'oauth4webapi'
import { Agent, fetch as undiciFetch, type RequestInit as UndiciRequest } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { admin, newDirectory, removeDirectory, startDev, type LatchkeyProcess } from './latchkey-process.ts'

const directory = newDirectory()
const insecure = { [oauth.allowInsecureRequests]: true }
let process: LatchkeyProcess
let server: oauth.AuthorizationServer
let client: oauth.Client
let secret: string

beforeAll(async () => {
  process = await startDev(directory)
  const issuer = new URL(process.ready.issuer)
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
  server = await oauth.processDiscoveryResponse(issuer, response)
  client = { client_id: process.ready.demo.client_id }
  secret = process.ready.demo.client_secret
})
afterAll(async () => {
  await process.stop()
  removeDirectory(directory)
})

const methods = [
  ['client_secret_post', oauth.ClientSecretPost],
  ['client_secret_basic', oauth.ClientSecretBasic],
] as const

async function getToken(authentication: oauth.ClientAuth, parameters: Record<string, string> = {}) {
  const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, insecure)
  return oauth.processClientCredentialsResponse(server, client, response)
}

test.each(methods)('%s: a token, used at the API', async (_, method) => {
  const token = await getToken(method(secret), { scope: 'configurations/configurations.read' })
  expect(token).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: 'configurations/configurations.read' })
  const answer = await oauth.protectedResourceRequest(
    token.access_token,
    'GET',
    new URL(process.ready.demo.api),
    undefined,
    null,
    insecure,
  )
  expect(answer.status).toBe(200)
})

test('RFC 9068: its access token validates', async () => {
  const token = await getToken(oauth.ClientSecretPost(secret))
  const request = new Request(process.ready.demo.api, { headers: { Authorization: `Bearer ${token.access_token}` } })
  const claims = await oauth.validateJwtAccessToken(server, request, 'https://api.example.com/configurations', insecure)
  expect(claims).toMatchObject({ client_id: client.client_id, sub: client.client_id })
})

test('introspection, revocation, introspection', async () => {
  const authentication = oauth.ClientSecretBasic(secret)
  const { access_token } = await getToken(authentication)
  const introspect = async () => {
    const response = await oauth.introspectionRequest(server, client, authentication, access_token, insecure)
    return oauth.processIntrospectionResponse(server, client, response)
  }
  expect(await introspect()).toMatchObject({ active: true, client_id: client.client_id })
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(server, client, authentication, access_token, insecure),
  )
  expect(await introspect()).toEqual({ active: false })
})

test.each<[string, () => Promise<unknown>, string]>([
  ['a wrong secret', () => getToken(oauth.ClientSecretPost('wrong')), 'invalid_client'],
  ['an unknown scope', () => getToken(oauth.ClientSecretPost(secret), { scope: 'profile' }), 'invalid_scope'],
  [
    'an unknown resource',
    () => getToken(oauth.ClientSecretPost(secret), { resource: 'https://x.example' }),
    'invalid_target',
  ],
])('%s is an error that it understands', async (_, call, error) => {
  await expect(call()).rejects.toMatchObject({ name: 'ResponseBodyError', error })
})

test('a 401 by Basic is a challenge that it understands', async () => {
  await expect(getToken(oauth.ClientSecretBasic('wrong'))).rejects.toMatchObject({
    name: 'WWWAuthenticateChallengeError',
    cause: [{ scheme: 'basic', parameters: { realm: 'latchkey' } }],
  })
})

test('a second client is registered and cannot look into the first one’s token', async () => {
  const { access_token } = await getToken(oauth.ClientSecretPost(secret))
  const scopes = ['configurations/configurations.read']
  const made = await admin<{ client_id: string; client_secret: string }>(
    process.ready.admin_socket,
    'POST',
    '/clients',
    {
      name: 'Another',
      scopes,
      show_secret: true,
    },
  )
  const other = { client_id: made.body.client_id }
  const authentication = oauth.ClientSecretPost(made.body.client_secret)
  const response = await oauth.introspectionRequest(server, other, authentication, access_token, insecure)
  expect(await oauth.processIntrospectionResponse(server, other, response)).toEqual({ active: false })
})

test('tls_client_auth over undici, at the endpoint that the metadata names for it; without the certificate invalid_client', async () => {
  const socket = process.ready.admin_socket
  const scope = 'configurations/configurations.read'
  const made = await admin<{ client_id: string }>(socket, 'POST', '/clients', {
    name: 'undici',
    scopes: [scope],
    authentication: 'mtls',
  })
  const issued = await admin<{ certificate: string; chain: string; private_key: string }>(
    socket,
    'POST',
    `/clients/${made.body.client_id}/certificates`,
    {},
  )
  const ca = readFileSync(path.join(directory, 'mtls', 'root.pem'))
  const identity = { cert: issued.body.certificate + issued.body.chain, key: issued.body.private_key }
  const request = (tls: object) => {
    const dispatcher = new Agent({ connect: { ca, ...tls } })
    const overUndici = (url: string, init: object) => undiciFetch(url, { ...(init as UndiciRequest), dispatcher })
    return oauth.clientCredentialsGrantRequest(
      server,
      { client_id: made.body.client_id, use_mtls_endpoint_aliases: true },
      oauth.TlsClientAuth(),
      {},
      { [oauth.customFetch]: overUndici as unknown as typeof fetch },
    )
  }
  const known = { client_id: made.body.client_id }
  const token = await oauth.processClientCredentialsResponse(server, known, await request(identity))
  expect(token).toMatchObject({ token_type: 'bearer', scope })
  const refused = oauth.processClientCredentialsResponse(server, known, await request({}))
  await expect(refused).rejects.toMatchObject({ error: 'invalid_client' })
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import { postForm, send, startTestServer, type TestServer } from '../../testing/start-test-server.ts'

let server: TestServer
let client: { clientId: string; clientSecret: string }

beforeAll(async () => {
  server = await startTestServer()
  await server.registerApi('configurations', ['read'])
  client = await server.registerClient(['configurations/read'])
})
afterAll(() => server.dispose())

async function getToken(of = client): Promise<string> {
  const form = { grant_type: 'client_credentials', client_id: of.clientId, client_secret: of.clientSecret }
  return (await postForm(server.tokenEndpoint, form)).json<{ access_token: string }>().access_token
}

async function jwks(): Promise<JSONWebKeySet> {
  return (await send(`${server.issuer}/oauth2/jwks`)).json<JSONWebKeySet>()
}

test('§2.1, §4 it verifies with the published keys: type, algorithm, issuer, audience', async () => {
  const { payload, protectedHeader } = await jwtVerify(await getToken(), createLocalJWKSet(await jwks()), {
    typ: 'at+jwt',
    algorithms: ['ES256'],
    issuer: server.issuer,
    audience: 'https://configurations.example.com',
    currentDate: new Date(server.clock.now()),
  })
  expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) })
  const now = Math.floor(server.clock.now() / 1000)
  expect(payload).toEqual({
    iss: server.issuer,
    sub: client.clientId,
    client_id: client.clientId,
    aud: 'https://configurations.example.com',
    iat: now,
    exp: now + 3600,
    jti: expect.stringMatching(/^[\w-]{22}$/),
    scope: 'configurations/read',
    lk_credentials: expect.any(Object),
    lk_network: 'unrestricted',
  })
})

test('a changed token does not verify', async () => {
  const [header = '', payload = '', signature = ''] = (await getToken()).split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
  const forged = Buffer.from(JSON.stringify({ ...claims, scope: 'configurations/admin' })).toString('base64url')
  const options = { currentDate: new Date(server.clock.now()) }
  const keys = createLocalJWKSet(await jwks())
  await expect(jwtVerify(`${header}.${forged}.${signature}`, keys, options)).rejects.toThrow(/signature/)
})

test('it names its credential by a reference that is neither client_id nor part of the secret, with a generation', async () => {
  const claims = decodeJwt(await getToken())
  const references = Object.entries(claims['lk_credentials'] as Record<string, number>)
  expect(references).toHaveLength(1)
  const [reference = '', generation] = references[0] ?? []
  expect(reference).toMatch(/^[A-Za-z0-9]{16}$/)
  expect(client.clientSecret).not.toContain(reference)
  expect(client.clientId).not.toContain(reference)
  expect(generation).toBeGreaterThan(1_700_000_000_000)
})

test('two secrets of one client are two references', async () => {
  const second = await server.registerClient(['configurations/read'])
  const one = decodeJwt(await getToken())['lk_credentials']
  const two = decodeJwt(await getToken(second))['lk_credentials']
  expect(Object.keys(one as object)).not.toEqual(Object.keys(two as object))
})

test('the key set holds the signing key and a standby, public parts only', async () => {
  const { keys } = await jwks()
  expect(keys).toHaveLength(2)
  expect(keys.map((key) => key.kid)).toContain(decodeProtectedHeader(await getToken()).kid)
  for (const key of keys) {
    expect(Object.keys(key).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })
  }
})

test('keys and earlier tokens survive a restart', async () => {
  const token = await getToken()
  const before = await jwks()
  server = await server.restart()
  expect(await jwks()).toEqual(before)
  await expect(
    jwtVerify(token, createLocalJWKSet(await jwks()), { currentDate: new Date(server.clock.now()) }),
  ).resolves.toBeDefined()
})

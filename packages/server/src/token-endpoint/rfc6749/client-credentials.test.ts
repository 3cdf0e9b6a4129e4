import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postForm, send, startTestServer, type TestServer } from '../../testing/start-test-server.ts'

let server: TestServer
let client: { clientId: string; clientSecret: string }
const both = 'configurations/configurations.read configurations/configurations.write'

beforeAll(async () => {
  server = await startTestServer()
  await server.registerApi('configurations', ['configurations.read', 'configurations.write'])
  await server.registerApi('billing', ['invoices.read'])
  client = await server.registerClient(both.split(' '))
})
afterAll(() => server.dispose())

function credentials() {
  return { grant_type: 'client_credentials', client_id: client.clientId, client_secret: client.clientSecret }
}

describe('RFC 6749 §4.4 client credentials', () => {
  test('§4.4.3 a token, and neither a refresh token nor an id token', async () => {
    const answer = await postForm(server.tokenEndpoint, credentials())
    expect(answer.status).toBe(200)
    expect(Object.keys(answer.json()).toSorted()).toEqual(['access_token', 'expires_in', 'scope', 'token_type'])
    expect(answer.json()).toMatchObject({ expires_in: 3600, token_type: 'Bearer', scope: both })
    expect(answer.json()['access_token']).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/)
  })

  test('§5.1 an answer is never stored, and names its request', async () => {
    const answer = await postForm(server.tokenEndpoint, credentials())
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers['pragma']).toBe('no-cache')
    expect(answer.headers['content-type']).toBe('application/json;charset=UTF-8')
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-z]{26}$/)
  })

  test('two calls get two tokens', async () => {
    const [one, two] = await Promise.all([
      postForm(server.tokenEndpoint, credentials()),
      postForm(server.tokenEndpoint, credentials()),
    ])
    expect(one.json()['access_token']).not.toBe(two.json()['access_token'])
    expect(one.headers['x-request-id']).not.toBe(two.headers['x-request-id'])
  })

  test.each([
    ['omitted', {}],
    ['empty', { scope: '' }],
  ])('§3.3 scope %s: everything granted', async (_, extra) => {
    const answer = await postForm(server.tokenEndpoint, { ...credentials(), ...extra })
    expect(answer.json()).toMatchObject({ scope: both })
  })

  test('§3.3 a subset, in the order asked, each once', async () => {
    const scope =
      'configurations/configurations.write configurations/configurations.read configurations/configurations.write'
    const answer = await postForm(server.tokenEndpoint, { ...credentials(), scope })
    expect(answer.json()).toMatchObject({
      scope: 'configurations/configurations.write configurations/configurations.read',
    })
  })

  test.each([
    ['not registered', 'configurations/configurations.delete', 'unknown scope: configurations/configurations.delete'],
    ['of no API', 'profile', 'unknown scope: profile'],
    ['registered, not granted', 'billing/invoices.read', 'this client is not granted the scope: billing/invoices.read'],
    [
      'one granted, one not',
      `${both} billing/invoices.read`,
      'this client is not granted the scope: billing/invoices.read',
    ],
    ['in other letter case', 'Configurations/configurations.read', 'unknown scope: Configurations/configurations.read'],
    ['with two spaces', 'configurations/configurations.read  configurations/configurations.write', /malformed/],
    ['with a leading space', ' configurations/configurations.read', /malformed/],
    ['with a tab', 'configurations/configurations.read\tx', /malformed/],
    ['with a quote', 'configurations/"read"', /malformed/],
    ['not ASCII', 'configurations/lésen', /malformed/],
    ['longer than 8 KiB', 'a'.repeat(8193), /malformed/],
  ])('§5.2 a scope %s → 400 invalid_scope', async (_, scope, description) => {
    const answer = await postForm(server.tokenEndpoint, { ...credentials(), scope })
    expect(answer.status).toBe(400)
    expect(answer.json()).toEqual({
      error: 'invalid_scope',
      error_description: typeof description === 'string' ? description : expect.stringMatching(description),
    })
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  test('§5.2 a bad scope is named only after authentication', async () => {
    const answer = await postForm(server.tokenEndpoint, { ...credentials(), client_secret: 'wrong', scope: 'profile' })
    expect(answer.status).toBe(401)
    expect(answer.json()).toEqual({ error: 'invalid_client', error_description: 'client authentication failed' })
  })

  test('§5.2 a client that is granted nothing → 400 invalid_scope', async () => {
    const empty = await server.registerClient([])
    const answer = await postForm(server.tokenEndpoint, {
      grant_type: 'client_credentials',
      client_id: empty.clientId,
      client_secret: empty.clientSecret,
    })
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({ error: 'invalid_scope' })
  })

  test('§3.2 unknown parameters are ignored', async () => {
    const answer = await postForm(server.tokenEndpoint, { ...credentials(), audience: 'x', 'unheard-of': 'y' })
    expect(answer.status).toBe(200)
  })

  test('an exclusive API is never in a default grant and never shares a token', async () => {
    await server.registerApi('vault', ['open', 'close'], { exclusive: true })
    const { clientId: client_id, clientSecret: client_secret } = await server.registerClient([
      'vault/open',
      'vault/close',
      'billing/invoices.read',
    ])
    const base = { grant_type: 'client_credentials', client_id, client_secret }
    const asked = async (scope?: string) =>
      postForm(server.tokenEndpoint, scope === undefined ? base : { ...base, scope })
    expect((await asked()).json()).toMatchObject({ scope: 'billing/invoices.read' })
    expect((await asked('vault/open vault/close')).json()).toMatchObject({ scope: 'vault/open vault/close' })
    const mixed = await asked('vault/open billing/invoices.read')
    expect([mixed.status, mixed.json()['error']]).toEqual([400, 'invalid_scope'])
  })
})

describe('lifetime', () => {
  test.each([
    ['nobody says', {}, {}, 3600],
    ['the client says', { tokenTtlSeconds: 120 }, {}, 120],
    ['the API says', {}, { tokenTtlSeconds: 300 }, 300],
    ['both say: the shorter', { tokenTtlSeconds: 900 }, { tokenTtlSeconds: 600 }, 600],
    ['longer than an hour', { tokenTtlSeconds: 86_400 }, {}, 86_400],
  ])('%s', async (name, clientOptions, apiOptions, expected) => {
    const api = `life-${name.replaceAll(/[^a-z]+/g, '-')}`
    await server.registerApi(api, ['use'], apiOptions)
    const { clientId, clientSecret } = await server.registerClient([`${api}/use`], clientOptions)
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }
    expect((await postForm(server.tokenEndpoint, form)).json()).toMatchObject({ expires_in: expected })
  })

  test('a token never outlives the secret that got it', async () => {
    const now = server.clock.now()
    const { clientId, clientSecret } = await server.registerClient(both.split(' '), { secretExpiresAt: now + 90_500 })
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }
    expect((await postForm(server.tokenEndpoint, form)).json()).toMatchObject({ expires_in: 90 })
  })
})

describe('RFC 6749 §3.2, §5.2: requests that are none', () => {
  const form = 'application/x-www-form-urlencoded'

  test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])('%s → 405 with Allow', async (method) => {
    const answer = await send(server.tokenEndpoint, { method })
    expect(answer.status).toBe(405)
    expect(answer.headers['allow']).toBe('POST')
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers['x-request-id']).toBeDefined()
  })

  test.each<[string, string, Record<string, string>, string, number, string]>([
    ['no body', '', {}, form, 400, 'invalid_request'],
    ['no grant_type', 'client_id=a&client_secret=b', {}, form, 400, 'invalid_request'],
    ['an empty grant_type', 'grant_type=&client_id=a&client_secret=b', {}, form, 400, 'invalid_request'],
    ['another grant_type', 'grant_type=password&client_id=a&client_secret=b', {}, form, 400, 'unsupported_grant_type'],
    ['another letter case', 'grant_type=Client_Credentials', {}, form, 400, 'unsupported_grant_type'],
    [
      'a duplicate grant_type',
      'grant_type=client_credentials&grant_type=client_credentials',
      {},
      form,
      400,
      'invalid_request',
    ],
    ['a duplicate that is empty', 'grant_type=client_credentials&scope=&scope=a', {}, form, 400, 'invalid_request'],
    ['a duplicate of an unknown parameter', 'grant_type=client_credentials&x=1&x=2', {}, form, 400, 'invalid_request'],
    [
      'a duplicate in other spelling',
      'grant_type=client_credentials&scope=a&sc%6Fpe=b',
      {},
      form,
      400,
      'invalid_request',
    ],
    ['a broken percent sign', 'grant_type=client_credentials&scope=%zz', {}, form, 400, 'invalid_request'],
    ['a percent sign at the end', 'grant_type=client_credentials&scope=%4', {}, form, 400, 'invalid_request'],
    ['percent-encoded Latin-1', 'grant_type=client_credentials&scope=%E9', {}, form, 400, 'invalid_request'],
    ['65 parameters', Array.from({ length: 65 }, (_, i) => `p${i}=1`).join('&'), {}, form, 400, 'invalid_request'],
    ['JSON', '{"grant_type":"client_credentials"}', {}, 'application/json', 400, 'invalid_request'],
    ['multipart', 'grant_type=client_credentials', {}, 'multipart/form-data', 400, 'invalid_request'],
    ['another charset', 'grant_type=client_credentials', {}, `${form}; charset=iso-8859-1`, 400, 'invalid_request'],
    [
      'a compressed body',
      'grant_type=client_credentials',
      { 'Content-Encoding': 'gzip' },
      form,
      400,
      'invalid_request',
    ],
    ['a body over 16 KiB', `grant_type=client_credentials&x=${'y'.repeat(16_384)}`, {}, form, 413, 'invalid_request'],
    ['a body of 1 MB', 'z'.repeat(1_000_000), {}, form, 413, 'invalid_request'],
  ])('%s', async (_, body, headers, contentType, status, error) => {
    const answer = await postForm(server.tokenEndpoint, body, { 'Content-Type': contentType, ...headers })
    expect(answer.status).toBe(status)
    expect(answer.json()).toMatchObject({ error })
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-z]{26}$/)
  })

  test('raw bytes that are not UTF-8 → 400', async () => {
    const body = Buffer.concat([Buffer.from('grant_type=client_credentials&scope='), Buffer.from([0xff, 0xfe])])
    const answer = await send(server.tokenEndpoint, { method: 'POST', headers: { 'Content-Type': form }, body })
    expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_request'])
  })

  test('no Content-Type → 400', async () => {
    const answer = await send(server.tokenEndpoint, {
      method: 'POST',
      body: new URLSearchParams(credentials()).toString(),
    })
    expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_request'])
  })

  test('two Content-Types → 400', async () => {
    const body = new URLSearchParams(credentials()).toString()
    const headers = ['Content-Type', form, 'Content-Type', form, 'Content-Length', String(body.length)]
    const answer = await send(server.tokenEndpoint, { method: 'POST', headers, body })
    expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_request'])
  })

  test.each([`${form};charset=UTF-8`, `${form}; charset="utf-8"`, 'Application/X-WWW-Form-Urlencoded'])(
    'the media type may be spelled %s',
    async (contentType) => {
      const answer = await postForm(server.tokenEndpoint, credentials(), { 'Content-Type': contentType })
      expect(answer.status).toBe(200)
    },
  )

  test('§2.3.1 credentials in the URL are refused, even beside good ones in the body', async () => {
    const answer = await postForm(`${server.tokenEndpoint}?client_secret=${client.clientSecret}`, credentials())
    expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_request'])
    expect(answer.text).not.toContain(client.clientSecret)
  })

  test('an unknown path → 404 with a request id', async () => {
    const answer = await send(server.tokenEndpoint.replace('/oauth2/token', '/oauth2/tokens'))
    expect(answer.status).toBe(404)
    expect(answer.headers['x-request-id']).toBeDefined()
  })
})

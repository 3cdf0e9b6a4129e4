import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { postForm, send, startTestServer, type Answer, type TestServer } from '../../testing/start-test-server.ts'

let server: TestServer
let id: string
let secret: string
let other: { clientId: string; clientSecret: string }

beforeAll(async () => {
  server = await startTestServer()
  await server.registerApi('configurations', ['configurations.read'])
  ;({ clientId: id, clientSecret: secret } = await server.registerClient(['configurations/configurations.read']))
  other = await server.registerClient(['configurations/configurations.read'])
})
afterAll(() => server.dispose())
// A minute later failures are forgotten: these tests are about what is refused, not about how often.
beforeEach(() => {
  server.clock.advance(61_000)
})

const grant = { grant_type: 'client_credentials' }
const basic = (user: string, password: string) => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

describe('RFC 6749 §2.3.1 accepted', () => {
  test.each<[string, () => Promise<Answer>]>([
    [
      'client_id and client_secret in the body',
      () => postForm(server.tokenEndpoint, { ...grant, client_id: id, client_secret: secret }),
    ],
    ['HTTP Basic', () => postForm(server.tokenEndpoint, grant, basic(id, secret))],
    [
      'HTTP Basic, form-urlencoded to the last character',
      () => postForm(server.tokenEndpoint, grant, basic(encodeAll(id), encodeAll(secret))),
    ],
    [
      'HTTP Basic with the scheme in lower case',
      () =>
        postForm(server.tokenEndpoint, grant, {
          Authorization: basic(id, secret).Authorization.replace('Basic', 'basic'),
        }),
    ],
    [
      'HTTP Basic and the same client_id in the body',
      () => postForm(server.tokenEndpoint, { ...grant, client_id: id }, basic(id, secret)),
    ],
    [
      'HTTP Basic and an empty client_secret in the body',
      () => postForm(server.tokenEndpoint, { ...grant, client_secret: '' }, basic(id, secret)),
    ],
  ])('%s', async (_, call) => {
    expect((await call()).status).toBe(200)
  })
})

describe('RFC 6749 §2.3 more than one method → 400 invalid_request', () => {
  test.each<[string, () => Promise<Answer>]>([
    [
      'Basic and a secret in the body',
      () => postForm(server.tokenEndpoint, { ...grant, client_secret: secret }, basic(id, secret)),
    ],
    [
      'Basic and another client_id in the body',
      () => postForm(server.tokenEndpoint, { ...grant, client_id: other.clientId }, basic(id, secret)),
    ],
    [
      'Basic and an assertion',
      () => postForm(server.tokenEndpoint, { ...grant, client_assertion: 'x' }, basic(id, secret)),
    ],
    [
      'a secret and an assertion',
      () => postForm(server.tokenEndpoint, { ...grant, client_id: id, client_secret: secret, client_assertion: 'x' }),
    ],
    [
      'two Authorization headers',
      () => {
        const body = 'grant_type=client_credentials'
        const value = basic(id, secret).Authorization
        const headers = [
          'Authorization',
          value,
          'Authorization',
          value,
          'Content-Type',
          'application/x-www-form-urlencoded',
          'Content-Length',
          String(body.length),
        ]
        return send(server.tokenEndpoint, { method: 'POST', headers, body })
      },
    ],
  ])('%s', async (_, call) => {
    const answer = await call()
    expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_request'])
  })
})

describe('RFC 6749 §5.2 not believed → 401 invalid_client', () => {
  const inBody = (client_id: string, client_secret: string) => () =>
    postForm(server.tokenEndpoint, { ...grant, client_id, client_secret })

  test.each<[string, () => Promise<Answer>, string]>([
    ['no credentials', () => postForm(server.tokenEndpoint, grant), 'authentication.none'],
    ['a client_id alone', () => postForm(server.tokenEndpoint, { ...grant, client_id: id }), 'authentication.none'],
    ['an unknown client', () => inBody('nobody', secret)(), 'authentication.client_unknown'],
    ['a client_id with NUL', () => inBody(`${id}\0`, secret)(), 'authentication.client_unknown'],
    ['a client_id in other letter case', () => inBody(id.toUpperCase(), secret)(), 'authentication.client_unknown'],
    ['a huge client_id', () => inBody('a'.repeat(9000), secret)(), 'authentication.client_unknown'],
    ['another client’s secret', () => inBody(id, other.clientSecret)(), 'authentication.secret_unknown'],
    ['a secret that is none', () => inBody(id, 'hunter2')(), 'authentication.secret_malformed'],
    ['a truncated secret', () => inBody(id, secret.slice(0, -1))(), 'authentication.secret_malformed'],
    ['one character changed', () => inBody(id, changeLast(secret))(), 'authentication.secret_malformed'],
    ['a secret with a space after it', () => inBody(id, `${secret} `)(), 'authentication.secret_malformed'],
    [
      'an assertion',
      () =>
        postForm(server.tokenEndpoint, { ...grant, client_id: id, client_assertion: 'x', client_assertion_type: 'y' }),
      'authentication.unsupported_method',
    ],
  ])('%s', async (_, call, reason) => {
    const answer = await call()
    expect(answer.status).toBe(401)
    expect(answer.text).toBe('{"error":"invalid_client","error_description":"client authentication failed"}')
    expect(answer.headers['www-authenticate']).toBeUndefined()
    expect(await reasonOf(answer)).toBe(reason)
  })

  test.each<[string, () => Record<string, string>, string]>([
    ['a wrong secret by Basic', () => basic(id, 'hunter2'), 'authentication.secret_malformed'],
    [
      'Basic without a colon',
      () => ({ Authorization: `Basic ${Buffer.from(id).toString('base64')}` }),
      'authentication.malformed_basic',
    ],
    ['Basic that is not base64', () => ({ Authorization: 'Basic §§§' }), 'authentication.malformed_basic'],
    ['Basic with nothing', () => ({ Authorization: 'Basic' }), 'authentication.malformed_basic'],
    ['Basic with an empty secret', () => basic(id, ''), 'authentication.malformed_basic'],
    ['Basic with a broken percent sign', () => basic(id, '%zz'), 'authentication.malformed_basic'],
    ['Bearer', () => ({ Authorization: `Bearer ${secret}` }), 'authentication.unsupported_scheme'],
  ])('%s → with WWW-Authenticate', async (_, headers, reason) => {
    const answer = await postForm(server.tokenEndpoint, grant, headers())
    expect(answer.status).toBe(401)
    expect(answer.text).toBe('{"error":"invalid_client","error_description":"client authentication failed"}')
    expect(answer.headers['www-authenticate']).toBe('Basic realm="latchkey", charset="UTF-8"')
    expect(await reasonOf(answer)).toBe(reason)
  })

  test('a wrong secret with the right id and checksum', async () => {
    const { formatClientSecret, parseClientSecret } = await import('@latchkey/protocol')
    const parts = parseClientSecret(secret)
    const forged = formatClientSecret('test', parts?.credentialId ?? '', 'A'.repeat(43))
    const answer = await inBody(id, forged)()
    expect(answer.status).toBe(401)
    expect(await reasonOf(answer)).toBe('authentication.secret_wrong')
  })

  test('an expired secret, a revoked one, a disabled client: bodies equal to the byte', async () => {
    const expired = await server.registerClient(['configurations/configurations.read'], {
      secretExpiresAt: server.clock.now() + 60_000,
    })
    server.clock.advance(60_000)
    const expiredAnswer = await inBody(expired.clientId, expired.clientSecret)()
    const unknownAnswer = await inBody('nobody', secret)()
    expect(await reasonOf(expiredAnswer)).toBe('authentication.secret_expired')
    expect(expiredAnswer.text).toBe(unknownAnswer.text)
    expect(expiredAnswer.status).toBe(unknownAnswer.status)
    const names = (answer: Answer) => Object.keys(answer.headers).toSorted()
    expect(names(expiredAnswer)).toEqual(names(unknownAnswer))
  })

  test('one millisecond before its end a secret still works', async () => {
    const short = await server.registerClient(['configurations/configurations.read'], {
      secretExpiresAt: Math.ceil(server.clock.now() / 1000) * 1000 + 60_000,
    })
    server.clock.advance(58_000)
    expect((await inBody(short.clientId, short.clientSecret)()).status).toBe(200)
  })
})

describe('no secret and no token is ever logged or audited', () => {
  const mixedUp: [string, (token: string) => Promise<Answer>][] = [
    [
      'a secret as client_id',
      () => postForm(server.tokenEndpoint, { ...grant, client_id: secret, client_secret: secret }),
    ],
    ['id and secret swapped by Basic', () => postForm(server.tokenEndpoint, grant, basic(secret, id))],
    ['a secret as scope', () => postForm(server.tokenEndpoint, { ...grant, scope: secret }, basic(id, secret))],
    ['a secret as resource', () => postForm(server.tokenEndpoint, { ...grant, resource: secret }, basic(id, secret))],
    [
      'a token as resource',
      (token) => postForm(server.tokenEndpoint, { ...grant, resource: token }, basic(id, secret)),
    ],
    [
      'a token as client_id',
      (token) => postForm(server.tokenEndpoint, { ...grant, client_id: token, client_secret: 'x' }),
    ],
    [
      'a token as client_id at introspection',
      (token) => postForm(`${server.issuer}/oauth2/introspect`, { token, client_id: token, client_secret: secret }),
    ],
  ]
  test.each(mixedUp)('%s', async (_, call) => {
    const granted = await postForm(server.tokenEndpoint, grant, basic(id, secret))
    const token = granted.json<{ access_token: string }>().access_token
    const answer = await call(token)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    const { items } = await server.services.audit.list({ limit: 1000 })
    const written = JSON.stringify(items) + server.logLines.join('')
    // Ten characters of the random part, or of a signature, are more than anybody may learn.
    expect(written).not.toContain(secret.split('_')[3]?.slice(0, 10))
    expect(written).not.toContain(token.split('.')[2]?.slice(0, 10))
    expect(written).toContain(String(answer.headers['x-request-id']))
  })
})

/** The reason under this answer's request id, as the audit log has it. */
async function reasonOf(answer: Answer): Promise<unknown> {
  const requestId = String(answer.headers['x-request-id'])
  const { items } = await server.services.audit.list({ limit: 10, requestId })
  expect(items).toHaveLength(1)
  return items[0]?.details['reason']
}

function encodeAll(text: string): string {
  return text.replaceAll(/./gs, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function changeLast(text: string): string {
  return text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A')
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeJwt } from 'jose'
import { postForm, startTestServer, type TestServer } from '../../testing/start-test-server.ts'

let server: TestServer
let client: { clientId: string; clientSecret: string }
const configurations = 'https://configurations.example.com'
const billing = 'https://billing.example.com/v2?region=eu'

beforeAll(async () => {
  server = await startTestServer()
  await server.registerApi('configurations', ['read', 'write'], { tokenTtlSeconds: 300 })
  await server.registerApi('billing', ['read'], { audience: billing })
  await server.registerApi('vault', ['open'], { exclusive: true })
  await server.registerApi('payroll', ['read'])
  client = await server.registerClient(['configurations/read', 'configurations/write', 'billing/read', 'vault/open'])
})
afterAll(() => server.dispose())

function ask(resources: string[], scope?: string) {
  return postForm(server.tokenEndpoint, [
    ['grant_type', 'client_credentials'],
    ['client_id', client.clientId],
    ['client_secret', client.clientSecret],
    ...resources.map((resource): [string, string] => ['resource', resource]),
    ...(scope === undefined ? [] : [['scope', scope] as [string, string]]),
  ])
}

describe('RFC 8707 §2 accepted', () => {
  test.each<[string, string[], string | undefined, string, string | string[], number]>([
    [
      'none: every audience',
      [],
      undefined,
      'billing/read configurations/read configurations/write',
      [billing, configurations],
      300,
    ],
    [
      'one narrows scopes and audience',
      [configurations],
      undefined,
      'configurations/read configurations/write',
      configurations,
      300,
    ],
    ['one that is not limited gets the usual hour', [billing], undefined, 'billing/read', billing, 3600],
    [
      'repeated',
      [billing, configurations],
      undefined,
      'billing/read configurations/read configurations/write',
      [billing, configurations],
      300,
    ],
    ['the same twice', [billing, billing], undefined, 'billing/read', billing, 3600],
    [
      'an empty one counts as omitted',
      [''],
      undefined,
      'billing/read configurations/read configurations/write',
      [billing, configurations],
      300,
    ],
    [
      'with scope: what both allow',
      [configurations],
      'configurations/read billing/read',
      'configurations/read',
      configurations,
      300,
    ],
    [
      'an exclusive API, by name',
      ['https://vault.example.com'],
      'vault/open',
      'vault/open',
      'https://vault.example.com',
      3600,
    ],
  ])('%s', async (_, resources, scope, expectedScope, audience, lifetime) => {
    const answer = await ask(resources, scope)
    expect(answer.status).toBe(200)
    expect(answer.json()).toMatchObject({ scope: expectedScope, expires_in: lifetime })
    expect(decodeJwt(answer.json<{ access_token: string }>().access_token).aud).toEqual(audience)
  })
})

describe('RFC 8707 §2 refused', () => {
  test.each<[string, string[], string | undefined, string, string]>([
    ['unknown', ['https://elsewhere.example.com'], undefined, 'invalid_target', 'resource.unknown'],
    [
      'one known, one unknown',
      [billing, 'https://elsewhere.example.com'],
      undefined,
      'invalid_target',
      'resource.unknown',
    ],
    ['known with a slash more', [`${configurations}/`], undefined, 'invalid_target', 'resource.unknown'],
    ['known in other letter case', [configurations.toUpperCase()], undefined, 'invalid_target', 'resource.unknown'],
    ['known with a fragment', [`${configurations}#a`], undefined, 'invalid_target', 'resource.unknown'],
    ['not a URI', ['configurations'], undefined, 'invalid_target', 'resource.unknown'],
    ['with a line break in it', ['https://a\r\nX: y'], undefined, 'invalid_target', 'resource.unknown'],
    ['nothing granted there', ['https://payroll.example.com'], undefined, 'invalid_target', 'resource.not_granted'],
    ['no requested scope belongs to it', [billing], 'configurations/read', 'invalid_scope', 'scope.nothing_left'],
    [
      'exclusive and not asked for by scope',
      ['https://vault.example.com'],
      undefined,
      'invalid_scope',
      'scope.nothing_left',
    ],
  ])('%s', async (_, resources, scope, error, reason) => {
    const answer = await ask(resources, scope)
    expect([answer.status, answer.json()['error']]).toEqual([400, error])
    expect(answer.headers['cache-control']).toBe('no-store')
    const { items } = await server.services.audit.list({ limit: 1, requestId: String(answer.headers['x-request-id']) })
    expect(items[0]?.details['reason']).toBe(reason)
  })

  test('a resource is looked at only after authentication', async () => {
    const form = {
      grant_type: 'client_credentials',
      client_id: client.clientId,
      client_secret: 'x',
      resource: 'nonsense',
    }
    expect((await postForm(server.tokenEndpoint, form)).json()).toMatchObject({ error: 'invalid_client' })
  })
})

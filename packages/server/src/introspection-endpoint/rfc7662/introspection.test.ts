import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SignJWT, decodeJwt, decodeProtectedHeader, generateKeyPair } from 'jose'
import { addResourceServerCredential } from '../../resource-servers/add-resource-server-credential.ts'
import { revokeSecret } from '../../clients/manage-secrets.ts'
import { setClientState, updateClient, deleteClient } from '../../clients/update-client.ts'
import type { ClientId } from '../../clients/client.ts'
import type { CredentialId } from '../../clients/credential.ts'
import type { NetworkPolicyId } from '../../network-policy/network-policy.ts'
import type { Scope } from '@latchkey/protocol'
import { postForm, send, startTestServer, type TestServer } from '../../testing/start-test-server.ts'

interface Credentials {
  readonly clientId: string
  readonly clientSecret: string
}

let server: TestServer
let client: Credentials
let other: Credentials
let configurations: Credentials
let billing: Credentials
const coversApi = { tokenEndpoint: false, apis: [{ name: 'configurations' }] }
const policyId = 'a'.repeat(24) as NetworkPolicyId
const inactive = '{"active":false}'

beforeAll(async () => {
  server = await startTestServer()
  await server.registerApi('configurations', ['read', 'write'])
  await server.registerApi('billing', ['read'])
  client = await server.registerClient(['configurations/read', 'configurations/write', 'billing/read'])
  other = await server.registerClient(['configurations/read'])
  configurations = await credentialOf('configurations')
  billing = await credentialOf('billing')
})
afterAll(() => server.dispose())

const context = () => ({ actor: 'test', requestId: 'test', now: server.clock.now() })

async function credentialOf(api: string): Promise<Credentials> {
  const made = await addResourceServerCredential(server.services.change, server.services.maker, context(), api)
  if (!made.ok) throw new Error(made.refusal.message)
  return { clientId: made.value.credential.clientId, clientSecret: made.value.clientSecret }
}

async function getToken(of: Credentials, scope = ''): Promise<string> {
  const form = { grant_type: 'client_credentials', client_id: of.clientId, client_secret: of.clientSecret, scope }
  return (await postForm(server.tokenEndpoint, form)).json<{ access_token: string }>().access_token
}

function introspect(by: Credentials, token: string, extra: Record<string, string> = {}) {
  const user = Buffer.from(`${by.clientId}:${by.clientSecret}`).toString('base64')
  return postForm(`${server.issuer}/oauth2/introspect`, { token, ...extra }, { Authorization: `Basic ${user}` })
}

describe('RFC 7662 §2.2 active', () => {
  test('a client sees its own token whole', async () => {
    const token = await getToken(client)
    const answer = await introspect(client, token)
    expect(answer.status).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    const { iss, sub, aud, iat, exp, jti } = decodeJwt(token)
    expect(answer.json()).toEqual({
      active: true,
      scope: 'billing/read configurations/read configurations/write',
      client_id: client.clientId,
      token_type: 'Bearer',
      iss,
      sub,
      aud,
      iat,
      exp,
      jti,
      lk_network: 'unrestricted',
    })
  })

  test('where a token may be used from is told to the API that asks, which alone sees it', async () => {
    const restricted = await server.registerClient(['configurations/read'])
    const network = { change: { allow: [{ cidr: '198.51.100.0/24' }], covers: coversApi }, idIfNew: policyId }
    const id = restricted.clientId as ClientId
    expect((await updateClient(server.services.change, context(), id, { network })).ok).toBe(true)
    const token = await getToken(restricted)
    expect((await introspect(configurations, token)).json()).toMatchObject({
      active: true,
      lk_network: { allow: ['198.51.100.0/24'] },
    })
  })

  test('a resource server sees its own scopes only', async () => {
    const token = await getToken(client)
    expect((await introspect(configurations, token)).json()).toMatchObject({
      active: true,
      scope: 'configurations/read configurations/write',
    })
    expect((await introspect(billing, token)).json()).toMatchObject({ active: true, scope: 'billing/read' })
  })

  test('§2.1 a hint is ignored', async () => {
    const token = await getToken(client)
    const answer = await introspect(client, token, { token_type_hint: 'refresh_token' })
    expect(answer.json()).toMatchObject({ active: true })
  })
})

describe('RFC 7662 §2.2 everything else is exactly {"active":false}', () => {
  test.each<[string, () => Promise<string>, () => Credentials]>([
    ['another client’s token', () => getToken(client), () => other],
    ['a token for another API', () => getToken(client, 'configurations/read'), () => billing],
    ['no token at all', () => Promise.resolve('abc'), () => client],
    ['a client secret', () => Promise.resolve(client.clientSecret), () => client],
    ['a token that was changed', async () => `${(await getToken(client)).slice(0, -2)}AA`, () => client],
    ['a token of somebody else’s key', () => forge({}), () => client],
    ['a token of type JWT', () => forge({ typ: 'JWT' }), () => client],
    ['a token without signature', async () => unsigned(await getToken(client)), () => client],
    ['16 KiB less some', () => Promise.resolve('x'.repeat(15_000)), () => client],
  ])('%s', async (_, token, by) => {
    const answer = await introspect(by(), await token())
    expect([answer.status, answer.text]).toEqual([200, inactive])
  })

  test('an expired token, to the second', async () => {
    const token = await getToken(client)
    server.clock.advance(3_599_000)
    expect((await introspect(client, token)).json()).toMatchObject({ active: true })
    server.clock.advance(1000)
    expect((await introspect(client, token)).text).toBe(inactive)
  })

  async function forge(header: object): Promise<string> {
    const token = await getToken(client)
    const { privateKey } = await generateKeyPair('ES256')
    return new SignJWT(decodeJwt(token))
      .setProtectedHeader({ ...(decodeProtectedHeader(token) as { alg: string }), ...header })
      .sign(privateKey)
  }

  function unsigned(token: string): string {
    const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url')
    return `${header}.${token.split('.')[1]}.`
  }
})

describe('a token ends with what it stands on', () => {
  const endings: [string, (of: Credentials) => Promise<unknown>][] = [
    [
      'its client is disabled',
      (of) => setClientState(server.services.change, context(), of.clientId as ClientId, 'disabled'),
    ],
    [
      'its client is disabled and enabled again',
      async (of) => {
        await setClientState(server.services.change, context(), of.clientId as ClientId, 'disabled')
        await setClientState(server.services.change, context(), of.clientId as ClientId, 'enabled')
      },
    ],
    ['its client is deleted', (of) => deleteClient(server.services.change, context(), of.clientId as ClientId)],
    [
      'a scope is taken away',
      (of) =>
        updateClient(server.services.change, context(), of.clientId as ClientId, {
          removeScopes: ['configurations/write' as Scope],
        }),
    ],
    [
      'its secret is revoked',
      (of) =>
        revokeSecret(server.services.change, context(), of.clientSecret.split('_')[2] as CredentialId, {
          compromised: false,
        }),
    ],
  ]
  test.each(endings)('%s', async (_, end) => {
    const mortal = await server.registerClient(['configurations/read', 'configurations/write'])
    const token = await getToken(mortal)
    expect((await introspect(configurations, token)).json()).toMatchObject({ active: true })
    await end(mortal)
    expect((await introspect(configurations, token)).text).toBe(inactive)
    // The sibling is untouched.
    expect((await introspect(configurations, await getToken(client))).json()).toMatchObject({ active: true })
  })

  test('a scope that is added ends nothing', async () => {
    const growing = await server.registerClient(['configurations/read'])
    const token = await getToken(growing)
    await updateClient(server.services.change, context(), growing.clientId as ClientId, {
      addScopes: ['billing/read' as Scope],
    })
    expect((await introspect(configurations, token)).json()).toMatchObject({ active: true })
  })

  test('after enabling, new tokens work at once', async () => {
    const back = await server.registerClient(['configurations/read'])
    await setClientState(server.services.change, context(), back.clientId as ClientId, 'disabled')
    await setClientState(server.services.change, context(), back.clientId as ClientId, 'enabled')
    expect((await introspect(configurations, await getToken(back))).json()).toMatchObject({ active: true })
  })
})

describe('RFC 7662 §2.1, §2.3 refused', () => {
  const endpoint = () => `${server.issuer}/oauth2/introspect`

  test('a caller who is not believed → 401', async () => {
    const answer = await postForm(endpoint(), { token: await getToken(client) })
    expect([answer.status, answer.json()['error']]).toEqual([401, 'invalid_client'])
  })

  test('a resource server that is not believed → 401 with its scheme', async () => {
    const answer = await introspect({ ...configurations, clientSecret: 'wrong' }, 'x')
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Basic /)
  })

  test('no token → 400, and the reason is in the audit log', async () => {
    const user = Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')
    const answer = await postForm(endpoint(), '', { Authorization: `Basic ${user}` })
    expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_request'])
    const requestId = String(answer.headers['x-request-id'])
    const { items } = await server.services.audit.list({ limit: 1, requestId })
    expect(items[0]).toMatchObject({ event: 'introspection.denied', details: { reason: 'request.token_missing' } })
  })

  test('GET → 405', async () => {
    const answer = await send(endpoint())
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'POST'])
  })

  test('a resource server’s credential gets no tokens', async () => {
    const form = { grant_type: 'client_credentials', client_id: billing.clientId, client_secret: billing.clientSecret }
    const answer = await postForm(server.tokenEndpoint, form)
    expect([answer.status, answer.json()['error']]).toEqual([400, 'unauthorized_client'])
  })
})

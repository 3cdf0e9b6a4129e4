import { afterAll, beforeAll, expect, test } from 'vitest'
import { adminSender, expectProblem, type SendAdmin } from '../admin-api/testing/admin-request.ts'
import { administrator } from '../admin-api/testing/administrators.ts'
import { postForm, startTestServer, type TestServer } from '../testing/start-test-server.ts'

let server: TestServer
let send: SendAdmin

beforeAll(async () => {
  server = await startTestServer()
  await server.registerApi('orders', ['read', 'write'])
  send = adminSender(server.adminSocket)
})

afterAll(async () => {
  await server.dispose()
})

const read = 'orders/read'
const write = 'orders/write'

interface Registered {
  readonly clientId: string
  readonly clientSecret: string
}

function token({ clientId, clientSecret }: Registered, scope?: string) {
  const parameters = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }
  return postForm(server.tokenEndpoint, scope === undefined ? parameters : { ...parameters, scope })
}

async function isActive(client: Registered, accessToken: unknown): Promise<unknown> {
  const { clientId, clientSecret } = client
  const answer = await postForm(`${server.issuer}/oauth2/introspect`, {
    client_id: clientId,
    client_secret: clientSecret,
    token: String(accessToken),
  })
  return answer.json()['active']
}

const inSeconds = (seconds: number): number => Math.floor(server.clock.now() / 1000) + seconds

test('a scope is granted until it ends, and no token outlives it', async () => {
  const client = await server.registerClient([read, write])
  const at = `/clients/${client.clientId}`
  const end = inSeconds(600)
  const updated = await send('PATCH', at, { body: { scope_ends: { [write]: end } } })
  expect(updated.body).toMatchObject({ scopes: [read, write], scope_ends: { [write]: end }, revision: 2 })
  expect((await send('GET', at)).body['scope_ends']).toEqual({ [write]: end })
  expect((await token(client)).json()).toMatchObject({ scope: `${read} ${write}`, expires_in: 600 })
  expect((await token(client, read)).json()).toMatchObject({ expires_in: 3600 })
  server.clock.advance(600_000)
  expect((await token(client)).json()).toMatchObject({ scope: read, expires_in: 3600 })
  const refused = await token(client, write)
  expect(refused.status).toBe(400)
  expect(refused.json()).toMatchObject({ error: 'invalid_scope' })
  expect((await send('POST', `${at}/test`, { body: { scope: write } })).body).toMatchObject({
    granted: false,
    reason: 'scope.ended',
  })
  // Granting it again takes the end away.
  expect((await send('PATCH', at, { body: { add_scopes: [write] } })).body).not.toHaveProperty('scope_ends')
  expect((await token(client, write)).json()).toMatchObject({ expires_in: 3600 })
})

test('an earlier end ends the tokens that the client has; a later one does not', async () => {
  const client = await server.registerClient([read])
  const at = `/clients/${client.clientId}`
  const first = (await token(client)).json()['access_token']
  await send('PATCH', at, { body: { scope_ends: { [read]: inSeconds(7200) } } })
  expect(await isActive(client, first)).toBe(false)
  const second = (await token(client)).json()['access_token']
  await send('PATCH', at, { body: { scope_ends: { [read]: inSeconds(9000) } } })
  expect(await isActive(client, second)).toBe(true)
  await send('PATCH', at, { body: { scope_ends: { [read]: null } } })
  expect(await isActive(client, second)).toBe(true)
  await send('PATCH', at, { body: { scope_ends: { [read]: inSeconds(9000) } } })
  expect(await isActive(client, second)).toBe(false)
})

test('an end is refused for a scope that the client does not hold, and what is no end', async () => {
  const { clientId } = await server.registerClient([read])
  const at = `/clients/${clientId}`
  expectProblem(await send('PATCH', at, { body: { scope_ends: { [write]: inSeconds(60) } } }), 422, 'scope.unknown')
  for (const end of [-1, 1.5, '2027-01-01', 253_402_300_800]) {
    expectProblem(await send('PATCH', at, { body: { scope_ends: { [read]: end } } }), 400, 'request.invalid')
  }
  expectProblem(await send('PATCH', at, { body: { scope_ends: { nonsense: 1 } } }), 400, 'request.invalid')
  expect((await send('GET', at)).body).toMatchObject({ revision: 1 })
})

test('nobody makes an end later of what he does not hold himself', async () => {
  const { clientId } = await server.registerClient(['latchkey/backup.read'])
  const at = `/clients/${clientId}`
  const scope = 'latchkey/backup.read'
  const { send: remote } = await administrator(server, 'clients.write')
  // Smaller is always possible.
  const end = inSeconds(600)
  expect((await remote('PATCH', at, { body: { scope_ends: { [scope]: end } } })).status).toBe(200)
  expectProblem(await remote('PATCH', at, { body: { scope_ends: { [scope]: end + 1 } } }), 403, 'access.beyond_own')
  expectProblem(await remote('PATCH', at, { body: { scope_ends: { [scope]: null } } }), 403, 'access.beyond_own')
  expect((await send('GET', at)).body['scope_ends']).toEqual({ [scope]: end })
})

test('the contact of a client is kept, changed and taken away; what is no address is refused', async () => {
  const { clientId } = await server.registerClient([read])
  const at = `/clients/${clientId}`
  const set = (contact_address: unknown) => send('PATCH', at, { body: { contact_address } })
  expect((await set('ops@acme.example')).body).toMatchObject({ contact_address: 'ops@acme.example' })
  expect((await send('PATCH', at, { body: { name: 'other' } })).body).toMatchObject({
    contact_address: 'ops@acme.example',
  })
  for (const wrong of [
    '',
    'acme',
    'a@b',
    'a b@acme.example',
    'a@acme.example\nBcc: b@evil.example',
    `${'a'.repeat(250)}@x.example`,
  ]) {
    expectProblem(await set(wrong), 400, 'request.invalid')
  }
  expect((await set(null)).body).not.toHaveProperty('contact_address')
})

import { formatClientSecret, parseClientSecret } from '@latchkey/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { postForm, startTestServer, type TestServer } from '../../testing/start-test-server.ts'

interface Credentials {
  readonly clientId: string
  readonly clientSecret: string
}

let server: TestServer
let victim: Credentials
let neighbour: Credentials

// Every caller is told apart by the address that the (trusted) proxy on loopback names.
beforeEach(async () => {
  server = await startTestServer({ proxies: [{ networks: ['127.0.0.0/8'], addressHeader: 'x-forwarded-for' }] })
  await server.registerApi('configurations', ['read'])
  victim = await server.registerClient(['configurations/read'])
  neighbour = await server.registerClient(['configurations/read'])
})
afterEach(() => server.dispose())

function attempt(of: Credentials, from: string) {
  const form = { grant_type: 'client_credentials', client_id: of.clientId, client_secret: of.clientSecret }
  return postForm(server.tokenEndpoint, form, { 'X-Forwarded-For': from })
}

/** A guess at the very secret of a client: right id, right checksum, wrong random part. */
function guessAt(of: Credentials): Credentials {
  const id = parseClientSecret(of.clientSecret)?.credentialId ?? ''
  return { clientId: of.clientId, clientSecret: formatClientSecret('test', id, 'Z'.repeat(43)) }
}

async function statuses(count: number, call: () => ReturnType<typeof attempt>): Promise<number[]> {
  const seen: number[] = []
  for (let i = 0; i < count; i++) seen.push((await call()).status)
  return seen
}

describe('failures from one address', () => {
  test('after a hundred in a minute: 429 with Retry-After; a minute later 401 again', async () => {
    const wrong = { clientId: 'nobody', clientSecret: 'x' }
    const seen = await statuses(102, () => attempt(wrong, '192.0.2.1'))
    expect(seen.filter((status) => status === 401)).toHaveLength(100)
    expect(seen.slice(100)).toEqual([429, 429])
    const throttled = await attempt(wrong, '192.0.2.1')
    expect(throttled.json()).toMatchObject({ error: 'temporarily_unavailable' })
    const wait = Number(throttled.headers['retry-after'])
    expect(wait).toBeGreaterThanOrEqual(1)
    expect(wait).toBeLessThanOrEqual(60)
    server.clock.advance(wait * 1000)
    expect((await attempt(wrong, '192.0.2.1')).status).toBe(401)
  })

  test('never throttle a right secret, from the same address or another', async () => {
    await statuses(120, () => attempt({ clientId: victim.clientId, clientSecret: 'x' }, '192.0.2.1'))
    expect((await attempt(victim, '192.0.2.1')).status).toBe(200)
    expect((await attempt(neighbour, '192.0.2.1')).status).toBe(200)
    expect((await attempt(victim, '192.0.2.2')).status).toBe(200)
  })

  test('of an IPv6 network count together, of the next one apart', async () => {
    const wrong = { clientId: 'nobody', clientSecret: 'x' }
    let host = 0
    await statuses(100, () => attempt(wrong, `2001:db8:0:1::${(++host).toString(16)}`))
    expect((await attempt(wrong, '2001:db8:0:1:ffff::1')).status).toBe(429)
    expect((await attempt(wrong, '2001:db8:0:2::1')).status).toBe(401)
  })
})

describe('guesses at one secret', () => {
  test('after ten from one address it is not looked at any more from there, right or wrong', async () => {
    const seen = await statuses(12, () => attempt(guessAt(victim), '192.0.2.1'))
    expect(seen).toEqual([401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 429, 429])
    expect((await attempt(victim, '192.0.2.1')).status).toBe(429)
  })

  test('lock neither the client elsewhere nor its other secrets nor its neighbours', async () => {
    await statuses(12, () => attempt(guessAt(victim), '192.0.2.1'))
    expect((await attempt(victim, '192.0.2.9')).status).toBe(200)
    expect((await attempt(neighbour, '192.0.2.1')).status).toBe(200)
    server.clock.advance(60_000)
    expect((await attempt(victim, '192.0.2.1')).status).toBe(200)
  })

  test('at a secret id that the client does not have block nothing', async () => {
    const wrongId = formatClientSecret('test', 'AAAAAAAAAAAAAAAA', 'Z'.repeat(43))
    await statuses(30, () => attempt({ ...victim, clientSecret: wrongId }, '192.0.2.1'))
    expect((await attempt(victim, '192.0.2.1')).status).toBe(200)
  })
})

test('a flood of strangers is counted, not listed, and the count is recorded', async () => {
  await statuses(300, () => attempt({ clientId: 'nobody', clientSecret: 'x' }, '192.0.2.1'))
  const { items } = await server.services.audit.list({ limit: 1000, event: 'token.denied' })
  expect(items).toHaveLength(120)
})

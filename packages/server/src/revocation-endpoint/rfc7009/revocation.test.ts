import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeJwt } from 'jose'
import { postForm, send, sqliteFile, startTestServer, type TestServer } from '../../testing/start-test-server.ts'

interface Credentials {
  readonly clientId: string
  readonly clientSecret: string
}

let server: TestServer
let client: Credentials
let other: Credentials

beforeAll(async () => {
  server = await startTestServer()
  await server.registerApi('configurations', ['read'])
  client = await server.registerClient(['configurations/read'])
  other = await server.registerClient(['configurations/read'])
})
afterAll(() => server.dispose())

const authorization = (by: Credentials) => ({
  Authorization: `Basic ${Buffer.from(`${by.clientId}:${by.clientSecret}`).toString('base64')}`,
})
async function getToken(of = client): Promise<string> {
  const answer = await postForm(server.tokenEndpoint, { grant_type: 'client_credentials' }, authorization(of))
  return answer.json<{ access_token: string }>().access_token
}
const revoke = (by: Credentials, token: string, extra: Record<string, string> = {}) =>
  postForm(`${server.issuer}/oauth2/revoke`, { token, ...extra }, authorization(by))
async function isActive(token: string, of = client): Promise<unknown> {
  return (await postForm(`${server.issuer}/oauth2/introspect`, { token }, authorization(of))).json()['active']
}
function storedRevocations(): number {
  const db = new DatabaseSync(sqliteFile(server.config), { readOnly: true })
  const row = db.prepare(`select count(*) as n from revocations where kind = 'jti'`).get() as { n: number }
  db.close()
  return row.n
}

describe('RFC 7009 §2.2 revoked', () => {
  test('the token ends, its siblings go on', async () => {
    const [token, sibling] = [await getToken(), await getToken()]
    const answer = await revoke(client, token)
    expect([answer.status, answer.text]).toEqual([200, ''])
    expect(answer.headers['cache-control']).toBe('no-store')
    expect([await isActive(token), await isActive(sibling)]).toEqual([false, true])
  })

  test('again: 200 again, and nothing more is stored', async () => {
    const token = await getToken()
    expect((await revoke(client, token)).status).toBe(200)
    const stored = storedRevocations()
    expect((await revoke(client, token, { token_type_hint: 'access_token' })).status).toBe(200)
    expect(storedRevocations()).toBe(stored)
  })

  test('it is audited by whom, and survives a restart', async () => {
    const token = await getToken()
    const answer = await revoke(client, token)
    const requestId = String(answer.headers['x-request-id'])
    const { items } = await server.services.audit.list({ limit: 5, requestId })
    expect(items[0]).toMatchObject({ event: 'token.revoked', actor: client.clientId, subject: decodeJwt(token).jti })
    server = await server.restart()
    expect(await isActive(token)).toBe(false)
  })
})

describe('RFC 7009 §2.1 signature and expiry come before anything is stored', () => {
  test.each<[string, () => Promise<string>]>([
    ['not a token', () => Promise.resolve('abc')],
    ['a changed token', async () => `${(await getToken()).slice(0, -2)}AA`],
    [
      'an expired token',
      async () => {
        const token = await getToken()
        server.clock.advance(3_600_000)
        return token
      },
    ],
  ])('%s → 200, nothing stored', async (_, token) => {
    const given = await token()
    const before = storedRevocations()
    expect((await revoke(client, given)).status).toBe(200)
    expect(storedRevocations()).toBe(before)
  })

  test('another client’s token → 400, and it lives on', async () => {
    const token = await getToken()
    const answer = await revoke(other, token)
    expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_grant'])
    expect(await isActive(token)).toBe(true)
  })

  test('no credentials → 401, and it lives on', async () => {
    const token = await getToken()
    const answer = await postForm(`${server.issuer}/oauth2/revoke`, { token })
    expect(answer.status).toBe(401)
    expect(await isActive(token)).toBe(true)
  })

  test('no token → 400; GET → 405', async () => {
    expect((await postForm(`${server.issuer}/oauth2/revoke`, 'x=y', authorization(client))).status).toBe(400)
    expect((await send(`${server.issuer}/oauth2/revoke?token=x`)).status).toBe(405)
  })
})

describe('RFC 7009 §2.2.1 as many as every verifier can be asked to keep', () => {
  test('a thousand tokens of one client; the next lives on, and other clients and the team revoke theirs', async () => {
    const mine = await server.registerClient(['configurations/read'])
    const tokens = await Promise.all(Array.from({ length: 1001 }, () => getToken(mine)))
    const [extra = '', ...others] = tokens
    for (let i = 0; i < others.length; i += 50) {
      const answers = await Promise.all(others.slice(i, i + 50).map((token) => revoke(mine, token)))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    }
    const refused = await revoke(mine, extra)
    expect([refused.status, refused.json()['error'], refused.headers['retry-after']]).toEqual([
      503,
      'temporarily_unavailable',
      '60',
    ])
    expect(await isActive(extra, mine)).toBe(true)
    const { items } = await server.services.audit.list({ limit: 1, requestId: String(refused.headers['x-request-id']) })
    expect(items[0]).toMatchObject({ event: 'revocation.denied', details: { reason: 'token.too_many_revoked' } })
    // Repeating one that is revoked is no further one.
    expect((await revoke(mine, others[0] ?? '')).status).toBe(200)

    const another = await getToken(other)
    expect((await revoke(other, another)).status).toBe(200)
    const context = { actor: 'test', requestId: 'r', now: server.clock.now() }
    expect((await server.services.tokens.revoke(context, extra)).ok).toBe(true)
    expect(await isActive(extra, mine)).toBe(false)

    // Once they have expired, and no verifier takes them any more.
    server.clock.advance(3_600_000 + 300_000)
    expect((await revoke(mine, await getToken(mine))).status).toBe(200)
  }, 60_000)
})

test('a revocation that cannot be stored is a 503, never a 200; afterwards it works', async () => {
  const token = await getToken()
  const intruder = new DatabaseSync(path.resolve(sqliteFile(server.config)))
  intruder.exec('BEGIN IMMEDIATE')
  const answer = await revoke(client, token)
  expect([answer.status, answer.json()['error']]).toEqual([503, 'temporarily_unavailable'])
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  intruder.exec('ROLLBACK')
  intruder.close()
  expect(await isActive(token)).toBe(true)
  expect((await revoke(client, token)).status).toBe(200)
  expect(await isActive(token)).toBe(false)
})

import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { setClientState } from '../clients/update-client.ts'
import type { ClientId } from '../clients/client.ts'
import { postForm, startTestServer, testClock, type TestServer } from '../testing/start-test-server.ts'
import { usePostgres } from './postgres.test.support.ts'

const { server: postgres } = usePostgres()
const minuteMs = 60_000

const running: TestServer[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.dispose()
})

/** Servers on one new database, with data directories and clocks of their own. */
async function startServers(count: number): Promise<TestServer[]> {
  const url = postgres().url(await postgres().createDatabase())
  const masterKey = { kind: 'value', value: randomBytes(32).toString('base64url') } as const
  const clock = testClock()
  for (let n = 0; n < count; n++) {
    running.push(
      await startTestServer(
        { database: { kind: 'postgres', url }, masterKey, issuer: 'https://auth.example.com' },
        clock,
      ),
    )
  }
  return [...running]
}

type Registered = { clientId: string; clientSecret: string }

function tokenUrl(server: TestServer): string {
  return `http://127.0.0.1:${server.publicPort}/oauth2/token`
}

async function ask(server: TestServer, { clientId, clientSecret }: Registered): Promise<string> {
  const answer = await postForm(tokenUrl(server), {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
  })
  return answer.status === 200 ? '200' : `${answer.status} ${String(answer.json()['error'])}`
}

function only<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is none')
  return value
}

async function disable(server: TestServer, client: Registered): Promise<void> {
  const context = { actor: 'test', requestId: 'r', now: server.clock.now() }
  const result = await setClientState(server.services.change, context, client.clientId as ClientId, 'disabled')
  if (!result.ok) throw new Error(result.refusal.message)
}

describe('two servers on one database', () => {
  test('a client made on one works on the other at once; disabled on one, it is refused on the other within a second', async () => {
    const servers = await startServers(2)
    const [one, two] = [only(servers[0]), only(servers[1])]
    await one.registerApi('api', ['read'])
    await expect.poll(() => ask(two, { clientId: 'none', clientSecret: 'none' })).toBe('401 invalid_client')
    const client = await one.registerClient(['api/read'])
    expect(await ask(two, client)).toBe('200')
    expect(await ask(one, client)).toBe('200')
    await disable(two, client)
    expect(await ask(two, client)).toBe('401 invalid_client')
    await expect.poll(() => ask(one, client), { timeout: 1000, interval: 20 }).toBe('401 invalid_client')
  })
})

describe('the database goes away', () => {
  test(
    'known clients get tokens for fifteen minutes; unknown ones, refusals and changes are told 503; afterwards all is well',
    { timeout: 60_000 },
    async () => {
      const server = only((await startServers(1))[0])
      await server.registerApi('api', ['read'])
      const known = await server.registerClient(['api/read'])
      const unknown = await server.registerClient(['api/read'])
      expect(await ask(server, known)).toBe('200')
      const since = server.clock.now()
      await postgres().freeze()
      try {
        expect(await ask(server, known)).toBe('200')
        expect(await ask(server, unknown)).toBe('503 temporarily_unavailable')
        expect(await ask(server, { ...known, clientSecret: 'wrong' })).toBe('503 temporarily_unavailable')
        await expect(disable(server, known)).rejects.toMatchObject({ code: 'store.unavailable' })
        server.clock.advance(14 * minuteMs)
        expect(await ask(server, known)).toBe('200')
        server.clock.advance(2 * minuteMs)
        expect(server.clock.now() - since).toBe(16 * minuteMs)
        expect(await ask(server, known)).toBe('503 temporarily_unavailable')
      } finally {
        await postgres().thaw()
      }
      for (const client of [known, unknown])
        await expect.poll(() => ask(server, client), { timeout: 15_000 }).toBe('200')
      await disable(server, known)
      expect(await ask(server, known)).toBe('401 invalid_client')
    },
  )
})

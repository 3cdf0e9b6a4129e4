import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { usePostgres } from '../../store/postgres.test.support.ts'
import { startTestServer, type TestServer } from '../../testing/start-test-server.ts'
import { adminSender, expectProblem, type AdminAnswer } from '../testing/admin-request.ts'

/* Two servers on one PostgreSQL. */

const postgres = usePostgres()
let servers: [TestServer, TestServer]

beforeAll(async () => {
  const { url } = await postgres.openBackend()
  const database = { kind: 'postgres', url } as const
  const first = await startTestServer({ database })
  // The second finds the keys of the first under its own master key only when both have the same.
  servers = [first, await startTestServer({ database, masterKey: { kind: 'file', path: masterKeyOf(first) } })]
})

afterAll(async () => {
  for (const server of servers) await server.dispose()
})

const shop = { name: 'shop', audience: 'urn:shop', scopes: [{ name: 'read' }, { name: 'write' }] }
const clients = Array.from({ length: 1000 }, (_, i) => ({
  client_id: `c${i}`,
  name: `Client ${i}`,
  scopes: ['shop/read'],
}))
const document = { latchkey: 1, resource_servers: [shop], clients }

describe('on a database that others share', () => {
  it('a thousand clients are applied on one and found as they shall be on the other', async () => {
    expect((await send(0, 'apply', { document })).status).toBe(200)
    const { body } = await send(1, 'plan', { document, prune: true })
    expect(body).toMatchObject({ steps: [], problems: [] })
  })

  it('one plan applied on both at once is done once', async () => {
    const narrowed = {
      latchkey: 1,
      clients: clients.slice(0, 50).map((client) => ({ ...client, scopes: ['shop/write'] })),
    }
    const { digest } = (await send(0, 'plan', { document: narrowed })).body
    const body = { document: narrowed, digest }
    const answers = await Promise.all([applyUntilAnswered(0, body), applyUntilAnswered(1, body)])
    const [done, late] = answers.toSorted((a, b) => a.status - b.status)
    expect(done?.body['steps']).toHaveLength(50)
    expect(late?.body).toMatchObject({ status: 409, reason: 'declaration.stale' })
  })

  it('what another server changed since the plan is noticed', async () => {
    const { digest } = (await send(0, 'plan', { document })).body
    const renamed = await adminSender(servers[1].adminSocket)('PATCH', '/clients/c7', { body: { name: 'Moved' } })
    expect(renamed.status).toBe(200)
    expectProblem(await send(0, 'apply', { document, digest }), 409, 'declaration.stale')
  })
})

function send(server: 0 | 1, verb: 'plan' | 'apply', body: object): Promise<AdminAnswer> {
  return adminSender(servers[server].adminSocket)('POST', `/declaration/${verb}`, { body })
}

/** The one that waits for the other may be told to come again (503): it changed nothing. */
async function applyUntilAnswered(server: 0 | 1, body: object): Promise<AdminAnswer> {
  const answer = await send(server, 'apply', body)
  return answer.status === 503 ? applyUntilAnswered(server, body) : answer
}

function masterKeyOf({ config }: TestServer): string {
  return `${config.dataDirectory}/master.key`
}

import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adminSender } from '../admin-api/testing/admin-request.ts'
import { createClientOver, startMtlsServer } from '../testing/mtls-server.ts'
import {
  changes,
  secrets,
  tokenOf,
  type Attempt,
  type ChangeOverHttp,
  type House,
  type Outcome,
} from './changes-over-http.test.support.ts'
import { startCuttingProxy, type Cut, type CuttingProxy } from './cut-connection.test.support.ts'
import { usePostgres } from './postgres.test.support.ts'

/* Changes whose database goes away under them: at every statement, at the COMMIT, before its answer is heard, and right after it. */

/** Two seconds for the database, and as much again for a machine that is busy. */
const hangsMs = 4000

const { server: postgres } = usePostgres()

let proxy: CuttingProxy
/** Reaches its database by way of the proxy. */
let cut: House
/** Reaches it straight. */
let straight: House
let reader: Client
/** Reads every row. */
let readAll: string

async function open(through: (url: string) => string): Promise<House> {
  const database = await postgres().createDatabase('migrated')
  const masterKey = { kind: 'value', value: randomBytes(32).toString('base64url') } as const
  const url = through(postgres().url(database))
  const server = await startMtlsServer({ database: { kind: 'postgres', url }, masterKey })
  await server.registerApi('configurations', ['read', 'write'])
  return { server, admin: adminSender(server.adminSocket), database }
}

beforeAll(async () => {
  proxy = await startCuttingProxy(postgres().port)
  cut = await open((url) => proxy.through(url))
  straight = await open((url) => url)
  await openReader(cut.database)
})

afterAll(async () => {
  await reader.end()
  await cut.server.dispose()
  await straight.server.dispose()
  await proxy.close()
})

/** What a server writes by itself meanwhile: uses, messages on their way, positions of its log, claims that it takes for delivered, alerts. */
const noted = new Set(['audit_logs', 'change_notices', 'presences', 'usage_counters', 'recent_refusals'])
const notedColumns = `'{last_used_at,confirmed_at,alerted_at,sealed,attempts,next_attempt_at,leased_until,sent_at,last_failure}'::text[]`
const askedFor: Readonly<Record<string, string>> = {
  audit_rows: `where actor <> 'latchkey'`,
  sequences: `where name <> 'changes'`,
  notices: `where kind <> 'network.address_refused'`,
}

/** Every row of the database behind the proxy at one moment, by table. */
async function everything(): Promise<Record<string, string>> {
  const { rows } = await reader.query<{ name: string; rows: string | null }>(readAll)
  return Object.fromEntries(rows.map(({ name, rows: lines }) => [name, lines ?? '']))
}

async function openReader(database: string): Promise<void> {
  const { socketDirectory: host, port } = postgres()
  reader = new Client({ host, port, user: 'postgres', database })
  // It may be idle when the database is killed.
  reader.on('error', () => undefined)
  await reader.connect()
  const tables = await reader.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename not like 'kysely_%'`,
  )
  readAll = tables.rows
    .filter(({ name }) => !noted.has(name))
    .map(
      ({ name }) =>
        `select '${name}' as name, string_agg((to_jsonb(t) - ${notedColumns})::text, E'\\n' order by (to_jsonb(t) - ${notedColumns})::text) as rows from "${name}" t ${askedFor[name] ?? ''}`,
    )
    .join(' union all ')
}

/** That somebody was told to come again; answers the problem's detail. */
function expectUnavailable({ status, type, retryAfter, text }: Outcome): string {
  expect({ status, text }).toMatchObject({ status: 503 })
  expect(type).toMatch(/^application\/problem\+json/)
  expect(Number(retryAfter)).toBeGreaterThan(0)
  const problem = JSON.parse(text) as { detail: string; reason?: string; status: number }
  expect(problem.status).toBe(503)
  // `/ca/renew` gives no reasons.
  expect(['store.unavailable', undefined]).toContain(problem.reason)
  return problem.detail
}

const isUnavailable = ({ status }: Outcome): boolean => status === 503

/** Asks for changes of this kind until one is cut off there, three times at most: what the server does by itself may have come first. */
async function askCut({ prepare }: ChangeOverHttp, at: Cut, isExpected: (outcome: Outcome) => boolean) {
  for (let tries = 1; ; tries++) {
    const attempt = await prepare(cut)
    const before = await everything()
    const began = performance.now()
    proxy.cutNextChange(at)
    const outcome = await attempt.ask()
    const isCut = proxy.lift()
    if ((isCut && isExpected(outcome)) || tries === 3) {
      expect(isCut).toBe(true)
      expect(performance.now() - began).toBeLessThan(hangsMs)
      return { attempt, before, outcome }
    }
  }
}

async function expectDone({ isInForce, isOfUse }: Attempt, answered: Outcome): Promise<void> {
  expect([200, 201]).toContain(answered.status)
  expect(await isInForce()).toBe(true)
  if (isOfUse !== undefined) expect(await isOfUse(answered)).toBe(true)
}

/** The database refuses what is committed. */
const fullDisk = `
  create function full_disk() returns trigger language plpgsql as $$
    begin raise exception 'could not extend file' using errcode = '53100'; end $$;
  create constraint trigger full_disk after insert on change_notices deferrable initially deferred
    for each row execute function full_disk()`

describe.each(changes)('$name', (each) => {
  const { prepare, success, again } = each

  test('cut off at any statement: nothing of it is there, and it can be asked for again', async () => {
    let attempt = await prepare(cut)
    let before = await everything()
    for (let statement = 1; ; statement++) {
      proxy.cutNextChange({ at: statement })
      const outcome = await attempt.ask()
      if (!proxy.lift()) {
        expect(statement).toBeGreaterThan(4)
        expect(await everything()).not.toEqual(before)
        await expectDone(attempt, outcome)
        return
      }
      if (outcome.status === 503) {
        expectUnavailable(outcome)
        expect(await everything()).toEqual(before)
      } else {
        // Something that the server did by itself was cut off instead.
        await expectDone(attempt, outcome)
        attempt = await prepare(cut)
        before = await everything()
        statement -= 1
      }
    }
  })

  test('cut off before its COMMIT is heard, or refused there: the same, in memory too', async () => {
    const { attempt, before, outcome } = await askCut(each, { at: 'commit' }, isUnavailable)
    expectUnavailable(outcome)
    expect(await everything()).toEqual(before)
    expect(await attempt.isInForce()).toBe(false)
    await reader.query(fullDisk)
    try {
      expectUnavailable(await attempt.ask())
      expect(await everything()).toEqual(before)
      expect(await attempt.isInForce()).toBe(false)
    } finally {
      await reader.query('drop function full_disk cascade')
    }
    await expectDone(attempt, await attempt.ask())
  })

  test('done, and its answer not heard: nobody is told that nothing was done, and all of it is there', async () => {
    const { attempt, before, outcome } = await askCut(each, { at: 'answer' }, isUnavailable)
    const detail = expectUnavailable(outcome)
    expect(detail).not.toMatch(/nothing was/)
    const [status, reason] = again
    // Who tries again is refused: he has to know why.
    if (status > 299) expect(detail).toMatch(/not known/)
    expect((await everything())['audit_rows']).not.toBe(before['audit_rows'])
    // What is in memory hears of it as of another server's change.
    await expect.poll(attempt.isInForce, { timeout: 2000, interval: 20 }).toBe(true)
    const repeated = await attempt.ask()
    expect(repeated).toMatchObject({ status })
    if (reason !== undefined) expect(JSON.parse(repeated.text)).toMatchObject({ reason })
    else await expectDone(attempt, repeated)
  })

  test('done and answered, and the database away from then on: who asked is told so', async () => {
    const { attempt, outcome } = await askCut(each, { at: 'afterwards' }, ({ status, text }) =>
      each.isReadAfterwards ? /it is done/.test(text) : status === success,
    )
    await expect.poll(async () => (await cut.admin('GET', '/clients?limit=1')).status, { timeout: 5000 }).toBe(200)
    if (outcome.status === 503) {
      expect(expectUnavailable(outcome)).toMatch(/it is done/)
      expect(await attempt.isInForce()).toBe(true)
    } else await expectDone(attempt, outcome)
  })
})

test('the database goes away right after a client was narrowed: it gets nothing from memory, and others do', async () => {
  const [narrowed, other] = [await createClientOver(cut.admin, 'secret'), await createClientOver(cut.admin, 'secret')]
  const token = async ({ clientId: id, clientSecret }: typeof narrowed) => (await tokenOf(cut, id, clientSecret)).status
  expect([await token(narrowed), await token(other)]).toEqual([200, 200])
  proxy.cutNextChange({ at: 'afterwards' })
  const body = { network: { allow: [{ cidr: '203.0.113.0/24' }] } }
  expect((await cut.admin('PATCH', `/clients/${narrowed.clientId}`, { body })).status).toBe(200)
  expect([await token(narrowed), await token(other)]).toEqual([503, 200])
  expect(proxy.lift()).toBe(true)
  await expect.poll(() => token(narrowed), { timeout: 5000, interval: 20 }).toBe(400)
  expect(await token(other)).toBe(200)
})

test.for(['killed', 'frozen'] as const)(
  'the database is %s: each is told so, and soon; afterwards nothing is done, and all of it can be',
  async (how) => {
    // After one that is brought there is no root to rotate under.
    const chosen = changes.filter(({ name }) => how === 'frozen' || !name.includes('brought'))
    const attempts: Attempt[] = []
    for (const { prepare } of chosen) attempts.push(await prepare(straight))
    if (how === 'killed') await postgres().kill()
    else await postgres().freeze()
    const began = performance.now()
    try {
      const outcomes = await Promise.all(attempts.map(({ ask }) => ask()))
      expect(performance.now() - began).toBeLessThan(hangsMs)
      for (const outcome of outcomes) expectUnavailable(outcome)
    } finally {
      if (how === 'killed') await postgres().start()
      else await postgres().thaw()
    }
    for (const { admin } of [straight, cut]) {
      await expect
        .poll(async () => (await admin('GET', '/clients?limit=1')).status, { timeout: 10_000, interval: 50 })
        .toBe(200)
    }
    for (const { isInForce } of attempts) expect(await isInForce()).toBe(false)
    for (const attempt of attempts) await expectDone(attempt, await attempt.ask())
  },
)

test('the audit log is whole, and no secret is in a line of the log', async () => {
  for (const { server } of [cut, straight]) {
    expect(await server.services.audit.verify()).toMatchObject({ intact: true })
    expect(server.logLines.length).toBeGreaterThan(0)
    const lines = server.logLines.join('\n')
    expect(lines).not.toMatch(/PRIVATE KEY|BEGIN|\blk_test_|#[\w-]{43}|test-only: of a database/)
    for (const secret of secrets) expect(lines).not.toContain(secret)
  }
})

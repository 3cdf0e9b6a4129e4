import { DatabaseSync } from 'node:sqlite'
import { signingAlgorithms } from '@latchkey/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kidOf, startKeyedServer, verifies, type KeyedServer } from '../../keys/keyed-server.test.support.ts'
import { send, sqliteFile, startTestServer, testClock } from '../../testing/start-test-server.ts'
import { expectProblem } from '../testing/admin-request.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

let house: KeyedServer

beforeAll(async () => {
  house = await startKeyedServer()
})
afterAll(() => house.server.dispose())

interface ListedKey {
  readonly kid: string
  readonly algorithm: string
  readonly state: string
  readonly ready_at?: number
  readonly removed_at?: number
}

async function list(): Promise<ListedKey[]> {
  return (await house.admin('GET', '/keys')).body['items'] as ListedKey[]
}

async function kidIn(state: string): Promise<string> {
  const found = (await list()).filter((key) => key.state === state)
  expect(found.length).toBeGreaterThan(0)
  return found[0]?.kid ?? ''
}

function kids({ keys }: Awaited<ReturnType<KeyedServer['jwks']>>): (string | undefined)[] {
  return keys.map(({ kid }) => kid)
}

describe('GET /keys', () => {
  test('says what each key is, since when, and what becomes of it', async () => {
    const { body } = await house.admin('GET', '/keys')
    const now = Math.floor(house.server.clock.now() / 1000)
    expect((await list()).map(({ state }) => state).toSorted()).toEqual(['active', 'standby'])
    expect(body['next_rotation_at']).toBe(now + 90 * 86_400)
    const standby = (await list()).find(({ state }) => state === 'standby')
    expect(standby).toMatchObject({ algorithm: 'ES256', created_at: now, ready_at: now + 300 + 86_400 + 3600 })
    expect(JSON.stringify(body)).not.toMatch(/private|sealed|"d"/)
  })
})

describe('POST /keys/rotate', () => {
  test('the standby signs at once, no token ends, and a warning says that it is young', async () => {
    const [active, standby] = [await kidIn('active'), await kidIn('standby')]
    const old = await house.token()
    expect(kidOf(old)).toBe(active)
    const before = (await house.keyEvents()).length
    const { status, body } = await house.admin('POST', '/keys/rotate')
    expect(status).toBe(200)
    const [created] = body['created'] as string[]
    expect(body).toMatchObject({ activated: standby, retired: active, created: [created], removed: [] })
    expect(body['warning']).toContain('cache time')
    const fresh = await house.token()
    expect(kidOf(fresh)).toBe(standby)
    for (const token of [old, fresh]) expect(await house.introspect(token)).toBe(true)
    const jwks = await house.jwks()
    expect(new Set(kids(jwks))).toEqual(new Set([active, standby, created]))
    for (const token of [old, fresh]) expect(await verifies(token, jwks, house.server.clock.now())).toBe(true)
    expect((await house.keyEvents()).slice(before)).toEqual([
      `key.retired ${active}`,
      `key.activated ${standby}`,
      `key.created ${created}`,
    ])
  })

  test('no warning once every verifier knows the standby; the private half of a retired key is gone', async () => {
    house.server.clock.advance(26 * hourMs)
    const active = await kidIn('active')
    const { body } = await house.admin('POST', '/keys/rotate', { body: {} })
    expect(body).toMatchObject({ retired: active })
    expect(body).not.toHaveProperty('warning')
    const db = new DatabaseSync(sqliteFile(house.server.config), { readOnly: true })
    const row = db.prepare('SELECT sealed_private_key AS sealed, state FROM signing_keys WHERE kid = ?').get(active)
    db.close()
    expect(row?.['state']).toBe('retired')
    expect(Buffer.from(String(row?.['sealed']), 'base64url')).toHaveLength(29)
  })

  test('refuses what it does not take, and changes nothing', async () => {
    const before = await list()
    expectProblem(await house.admin('POST', '/keys/rotate', { body: { now: true } }), 400, 'request.invalid')
    expectProblem(await house.admin('POST', '/keys/rotate?force=1'), 400, 'request.invalid')
    expect(await list()).toEqual(before)
  })
})

describe('the schedule', () => {
  test('a retired key stays as long as its tokens could, and is removed then, with an audit row', async () => {
    const retired = await kidIn('retired')
    const before = (await house.keyEvents()).length
    house.server.clock.advance(25 * hourMs)
    await house.server.services.keys.keepSchedule()
    expect(kids(await house.jwks())).toContain(retired)
    house.server.clock.advance(hourMs)
    await house.server.services.keys.keepSchedule()
    expect(kids(await house.jwks())).not.toContain(retired)
    expect((await house.keyEvents()).slice(before)).toContain(`key.removed ${retired}`)
    expectProblem(await house.admin('POST', `/keys/${retired}/revoke`), 404, 'key.unknown')
  })

  test('many runs at once make one rotation', async () => {
    const active = await kidIn('active')
    const before = (await house.keyEvents()).length
    house.server.clock.advance(91 * dayMs)
    const { services } = house.server
    await Promise.all(Array.from({ length: 10 }, () => services.keys.keepSchedule()))
    await services.keys.keepSchedule()
    expect(await kidIn('active')).not.toBe(active)
    const events = (await house.keyEvents()).slice(before).filter((event) => event.startsWith('key.activated'))
    expect(events).toHaveLength(1)
  })

  test('does nothing on a clock that was set: nobody knows how much time has passed', async () => {
    const clock = { ...testClock(), elapsed: () => 0 }
    const server = await startTestServer({}, clock)
    const before = server.services.keys.all()
    clock.advance(91 * dayMs)
    await server.services.keys.keepSchedule()
    expect(server.services.keys.all()).toEqual(before)
    await server.dispose()
  })

  test('runs by itself', async () => {
    const active = await kidIn('active')
    house.server.clock.advance(91 * dayMs)
    await expect.poll(() => kidIn('active'), { timeout: 10_000 }).not.toBe(active)
  })
})

describe('POST /keys/{kid}/revoke', () => {
  test('the key that signs: its tokens end at once, the standby takes over, another waits', async () => {
    house.server.clock.advance(26 * hourMs)
    const [active, standby] = [await kidIn('active'), await kidIn('standby')]
    const token = await house.token()
    expect(await house.introspect(token)).toBe(true)
    const { status, body } = await house.admin('POST', `/keys/${active}/revoke`)
    expect({ status, body }).toMatchObject({ status: 200, body: { revoked: active, activated: standby } })
    expect(body).not.toHaveProperty('warning')
    expect(await house.introspect(token)).toBe(false)
    const jwks = await house.jwks()
    expect(kids(jwks)).not.toContain(active)
    expect(await verifies(token, jwks, house.server.clock.now())).toBe(false)
    const feed = (await send(`${house.server.issuer}/oauth2/revocations`)).json<{ entries: unknown[] }>()
    expect(JSON.stringify(feed.entries)).toContain(active)
    const fresh = await house.token()
    expect(kidOf(fresh)).toBe(standby)
    expect(await house.introspect(fresh)).toBe(true)
    expect((await house.keyEvents()).slice(-3)).toEqual([
      `key.revoked ${active}`,
      `key.activated ${standby}`,
      `key.created ${String((body['created'] as string[])[0])}`,
    ])
  })

  test('its private half is gone from the database', async () => {
    const revoked = await kidIn('revoked')
    const db = new DatabaseSync(sqliteFile(house.server.config), { readOnly: true })
    const row = db.prepare('SELECT sealed_private_key AS sealed FROM signing_keys WHERE kid = ?').get(revoked)
    db.close()
    expect(Buffer.from(String(row?.['sealed']), 'base64url')).toHaveLength(29)
  })

  test('repeated: the same answer, nothing further', async () => {
    const revoked = await kidIn('revoked')
    const before = await list()
    const { status, body } = await house.admin('POST', `/keys/${revoked}/revoke`)
    expect({ status, body }).toEqual({ status: 200, body: { revoked, created: [], removed: [] } })
    expect(await list()).toEqual(before)
  })

  test('the standby: a new one; the young one that takes over next is warned of', async () => {
    const [active, standby] = [await kidIn('active'), await kidIn('standby')]
    const { body } = await house.admin('POST', `/keys/${standby}/revoke`, { body: {} })
    expect(body).toMatchObject({ revoked: standby, created: [await kidIn('standby')] })
    expect(body).not.toHaveProperty('activated')
    const again = await house.admin('POST', `/keys/${active}/revoke`)
    expect(again.body['warning']).toContain('cache time')
    expect(await house.introspect(await house.token())).toBe(true)
  })

  test('a retired key: its tokens end, and only those', async () => {
    const old = await house.token()
    await house.admin('POST', '/keys/rotate')
    const fresh = await house.token()
    expect([await house.introspect(old), await house.introspect(fresh)]).toEqual([true, true])
    await house.admin('POST', `/keys/${kidOf(old)}/revoke`)
    expect([await house.introspect(old), await house.introspect(fresh)]).toEqual([false, true])
  })

  test('unknown and malformed ones are refused, and nothing changes', async () => {
    const before = await list()
    const unknown = await house.admin('POST', `/keys/${'A'.repeat(43)}/revoke`)
    expectProblem(unknown, 404, 'key.unknown')
    expect(unknown.body['field']).toBe('kid')
    for (const kid of ['x', '..', 'A'.repeat(44), '%00', 'rotate']) {
      const answer = await house.admin('POST', `/keys/${kid}/revoke`)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.status).toBeLessThan(500)
    }
    expectProblem(
      await house.admin('POST', `/keys/${'A'.repeat(43)}/revoke`, { body: { x: 1 } }),
      400,
      'request.invalid',
    )
    expect(await list()).toEqual(before)
  })

  test('the checkpoint key is none of them', async () => {
    const db = new DatabaseSync(sqliteFile(house.server.config), { readOnly: true })
    const row = db.prepare("SELECT kid FROM signing_keys WHERE purpose = 'audit-checkpoint'").get()
    db.close()
    expect((await list()).map(({ kid }) => kid)).not.toContain(row?.['kid'])
    expectProblem(await house.admin('POST', `/keys/${String(row?.['kid'])}/revoke`), 404, 'key.unknown')
  })

  test('after all that the audit log verifies, and so does it after a restart', async () => {
    expect((await house.admin('POST', '/audit/verify')).body).toMatchObject({ intact: true, findings: [] })
  })
})

describe('rows changed in the database', () => {
  const forgeries: readonly (readonly [what: string, sql: string])[] = [
    ['a revoked key made active', "UPDATE signing_keys SET state = 'active' WHERE state = 'revoked'"],
    [
      'a revoked key made retired',
      "UPDATE signing_keys SET state = 'retired', revoked_at = NULL WHERE state = 'revoked'",
    ],
    [
      'active and standby swapped',
      "UPDATE signing_keys SET state = CASE state WHEN 'active' THEN 'standby' ELSE 'active' END WHERE purpose = 'token' AND state <> 'revoked'",
    ],
    ['the time of creation put back', "UPDATE signing_keys SET created_at = 1 WHERE purpose = 'token'"],
  ]
  test.each(forgeries)('%s: a running server keeps its ring, a start is refused', async (_, sql) => {
    const forged = await startKeyedServer()
    try {
      const { server } = forged
      await forged.admin('POST', `/keys/${kidOf(await forged.token())}/revoke`)
      const jwks = await forged.jwks()
      const db = new DatabaseSync(sqliteFile(server.config))
      expect(db.prepare(sql).run().changes).toBeGreaterThan(0)
      db.close()
      expectProblem(await forged.admin('POST', '/keys/rotate'), 500, 'server.fault')
      expect(await forged.jwks()).toEqual(jwks)
      expect(await forged.introspect(await forged.token())).toBe(true)
      await expect(server.restart()).rejects.toMatchObject({ code: 'keys.altered' })
    } finally {
      await forged.server.dispose().catch(() => undefined)
    }
  })
})

describe('the algorithm', () => {
  test.each(signingAlgorithms)(
    '%s from the first token on: published, verified by others, introspected',
    async (alg) => {
      const signing = await startKeyedServer({ signingAlgorithm: alg })
      try {
        const token = await signing.token()
        const jwks = await signing.jwks()
        expect(jwks.keys.map((key) => key.alg)).toEqual([alg, alg])
        const now = signing.server.clock.now()
        expect(await verifies(token, jwks, now)).toBe(true)
        expect(await signing.introspect(token)).toBe(true)
        const [header = '', payload = '', signature = ''] = token.split('.')
        const at = Math.floor(signature.length / 2)
        const other = `${signature.slice(0, at)}${signature[at] === 'A' ? 'B' : 'A'}${signature.slice(at + 1)}`
        const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
        const wider = Buffer.from(JSON.stringify({ ...claims, scope: 'configurations/write' })).toString('base64url')
        for (const broken of [
          `${header}.${payload}.${other}`,
          `${header}.${wider}.${signature}`,
          `${header}.${payload}.`,
        ]) {
          expect(await verifies(broken, jwks, now)).toBe(false)
          expect(await signing.introspect(broken)).toBe(false)
        }
      } finally {
        await signing.server.dispose()
      }
    },
  )

  test('changes with the next rotation, by way of a standby of its own', async () => {
    const first = await startTestServer()
    const dataDirectory = first.config.dataDirectory.replace(/\/data$/, '')
    await first.stop()
    const server = await startTestServer({ signingAlgorithm: 'EdDSA' }, first.clock, dataDirectory)
    try {
      const { keys } = server.services
      const states = () =>
        keys
          .all()
          .map(({ state, algorithm }) => `${state} ${algorithm}`)
          .toSorted()
      await keys.keepSchedule()
      expect(states()).toEqual(['active ES256', 'standby ES256', 'standby EdDSA'])
      const jwks = (await send(`${server.issuer}/oauth2/jwks`)).json<{ keys: { alg: string }[] }>()
      expect(jwks.keys.map(({ alg }) => alg).toSorted()).toEqual(['ES256', 'ES256', 'EdDSA'])
      server.clock.advance(90 * dayMs)
      await keys.keepSchedule()
      expect(states()).toEqual(['active EdDSA', 'retired ES256', 'standby EdDSA'])
    } finally {
      await server.dispose()
    }
  })
})

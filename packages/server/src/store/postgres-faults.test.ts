import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, describe, expect } from 'vitest'
import { Fault } from '../kernel/faults.ts'
import { rigTest, type Rig } from './contract/rig.ts'
import { asClientId, sampleClient, sampleEvent, write } from './contract/sample-records.ts'
import { openStore, type Store } from './open-store.ts'
import { usePostgres } from './postgres.test.support.ts'

const { server, openBackend } = usePostgres()
const test = rigTest(openBackend)
const secret = 'correct horse battery staple'

/** No call waits longer than this, whatever the database does: two seconds for it, and as much again for a machine that is busy. */
const hangsMs = 4000

const opened: Store[] = []

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
})

async function open(url: string): Promise<Store> {
  const store = await openStore({ kind: 'postgres', url })
  opened.push(store)
  return store
}

/** The Fault that work ends with, which must be soon. */
async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const began = performance.now()
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(Fault)
  expect(performance.now() - began).toBeLessThan(hangsMs)
  const { message, remedy } = error as Fault
  expect(message).not.toContain('\n')
  expect(remedy).not.toBe('')
  expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(secret)
  return error as Fault
}

async function role(name: string, more: string, grants = ''): Promise<string> {
  await server().query(`create role ${name} login password '${secret}' ${more}; ${grants}`)
  return name
}

describe('what stands in the way of opening is said in one line, without the password', () => {
  test.for([
    ['a wrong password', { password: secret }, /refused the password/],
    ['no password', { password: '' }, /asks for a password/],
    ['a user that is not there', { username: 'nobody' }, /refused the password|does not let this user in/],
    ['a database that is not there', { pathname: '/nowhere' }, /has no such database/],
    [
      'a host that is not there',
      { hostname: 'nowhere.invalid', search: '?sslmode=verify-full' },
      /its name (is not known|cannot be looked up)/,
    ],
    ['a port where nobody listens', { port: '1' }, /the connection was refused/],
    ['a server without TLS', { search: '?sslmode=require' }, /does not offer TLS/],
  ] as const)('%s', async ([, parts, expected]) => {
    const url = Object.assign(new URL(server().url()), parts)
    const fault = await faultOf(openStore({ kind: 'postgres', url: url.href }))
    expect(fault.code).toBe('store.unavailable')
    expect(fault.message).toMatch(expected)
  })

  test.for([
    ['postgres://u:p@db.example.com/latchkey', /does not say whether the connection to db\.example\.com is encrypted/],
    ['postgres://u:p@db.example.com/latchkey?sslmode=prefer', /would not protect/],
    ['postgres://u:p@127.0.0.1/latchkey?sslmode=no-verify', /would not protect/],
    ['postgres://u:p@127.0.0.1/latchkey?sslmod=require', /"sslmod", which is not known/],
    ['postgres://u:p@127.0.0.1/latchkey?sslmode=require&sslrootcert=/no/such/file', /sslrootcert that cannot be read/],
    ['postgres://u:p@127.0.0.1/latchkey?sslmode=disable&sslrootcert=/no/such/file', /although sslmode=disable/],
    ['postgres://u:p@127.0.0.1', /lacks user, host or database/],
    ['postgres://127.0.0.1/latchkey', /lacks user, host or database/],
    ['postgres://u:100%@127.0.0.1/latchkey', /%/],
  ] as const)('%s is refused', async ([url, expected]) => {
    const fault = await faultOf(
      openStore({ kind: 'postgres', url: url.replace(':p@', `:${encodeURIComponent(secret)}@`) }),
    )
    expect(fault.code).toBe('config.invalid')
    expect(fault.message).toMatch(expected)
  })

  test('a unix socket, and one that is not there', async () => {
    const { socketDirectory, port } = server()
    const at = (directory: string) =>
      `postgres://postgres@localhost:${port}/migrated?host=${encodeURIComponent(directory)}`
    await (await open(at(socketDirectory))).doctor.ping()
    expect((await faultOf(openStore({ kind: 'postgres', url: at('/no/such') }))).message).toMatch(/no such socket/)
  })

  test('too many connections', async () => {
    const name = await server().createDatabase()
    await server().query(`alter database ${name} connection limit 0`)
    const user = await role('crowded', '')
    const fault = await faultOf(openStore({ kind: 'postgres', url: server().url(name, user, secret) }))
    expect(fault.message).toMatch(/too many connections/)
  })

  test('an encoding that cannot hold every name', async () => {
    await server().query(`create database latin encoding 'LATIN1' locale_provider libc locale 'C' template template0`)
    expect((await faultOf(openStore({ kind: 'postgres', url: server().url('latin') }))).message).toMatch(
      /encoded in LATIN1/,
    )
  })

  test('somebody who takes the connection and says nothing', async () => {
    const sockets: Socket[] = []
    const silent: Server = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const fault = await faultOf(openStore({ kind: 'postgres', url: `postgres://u:x@127.0.0.1:${port}/db` }))
    expect(fault.message).toMatch(/does not answer/)
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
})

describe('connections', () => {
  test.for([
    ['as many as were said', 3, 3],
    ['ten when nothing was', undefined, 10],
  ] as const)('%s, whatever is asked at once', async ([, connections, most]) => {
    const name = await server().createDatabase()
    const url = server().url(name)
    const store = await openStore({ kind: 'postgres', url, ...(connections && { connections }) })
    opened.push(store)
    await store.migrate()
    await Promise.all(Array.from({ length: 100 }, () => store.clients.find(asClientId('nobody'))))
    const query = `select count(*)::int as open from pg_stat_activity where datname = '${name}' and application_name like 'latchkey%'`
    expect(await server().query(query)).toEqual([{ open: most }])
  })
})

describe('what a role may not do', () => {
  test('a role that may only read: changes and migrations are refused with a remedy, reads go on', async () => {
    const name = await server().createDatabase('migrated')
    const user = await role('reader', '')
    await server().query(
      `grant select on all tables in schema public to ${user}; alter role ${user} set default_transaction_read_only = on`,
      name,
    )
    const store = await open(server().url(name, user, secret))
    await store.migrate()
    await store.requireCurrentSchema()
    expect(await store.resourceServers.all()).toEqual([])
    const fault = await faultOf(
      store.digests.record([{ clientId: 'a', hour: 0 as never, granted: 1, denied: 0 }], [], 1),
    )
    expect(fault).toMatchObject({ code: 'store.unavailable' })
    expect(fault.message).toMatch(/read-only/)
    const empty = await server().createDatabase()
    const migration = await faultOf((await open(server().url(empty, user, secret))).migrate())
    expect(migration.message).toMatch(/read-only/)
  })

  test.each(['insert on audit_rows', 'update on credentials', 'delete on revocations'])(
    'the doctor names what is missing: %s',
    async (right) => {
      const name = await server().createDatabase('migrated')
      const user = await role(`partial_${right.replaceAll(' ', '_')}`, '')
      await server().query(`grant select, insert, update, delete on all tables in schema public to ${user}`, name)
      const store = await open(server().url(name, user, secret))
      expect(await store.doctor.check()).toBe('ok')
      await server().query(`revoke ${right} from ${user}`, name)
      const { code, message } = await faultOf(store.doctor.check())
      expect({ code, message: message.toLowerCase() }).toEqual({
        code: 'store.unavailable',
        message: `the role of the database url has no ${right.replace(' on ', ' on the table ')}`,
      })
    },
  )

  test('a role without privileges', async () => {
    const user = await role('powerless', '')
    const migrated = await open(server().url(await server().createDatabase('migrated'), user, secret))
    expect((await faultOf(migrated.resourceServers.all())).message).toMatch(/does not allow this to the role/)
    const empty = await open(server().url(await server().createDatabase(), user, secret))
    expect((await faultOf(empty.migrate())).message).toMatch(/does not allow this to the role/)
  })
})

describe('schemas of other versions', () => {
  test('an empty database, told not to migrate; then migrated', async () => {
    const store = await open(server().url(await server().createDatabase()))
    expect(await faultOf(store.requireCurrentSchema())).toMatchObject({ code: 'schema.older' })
    await store.migrate()
    await store.requireCurrentSchema()
    expect(await store.pendingMigrations()).toEqual([])
  })

  test('an older one, and a newer one', async () => {
    const name = await server().createDatabase('migrated')
    const store = await open(server().url(name))
    await server().query(`delete from kysely_migration where name like '0002%'`, name)
    const older = await faultOf(store.requireCurrentSchema())
    expect(older).toMatchObject({ code: 'schema.older' })
    expect(older.message).toContain('0002-change-notices')
    await server().query(`insert into kysely_migration values ('9999-future', '2030-01-01')`, name)
    expect(await faultOf(store.requireCurrentSchema())).toMatchObject({ code: 'schema.newer' })
    expect(await faultOf(store.migrate())).toMatchObject({ code: 'schema.newer' })
  })

  test('tables of somebody else in another schema of the same database are no concern', async () => {
    const name = await server().createDatabase()
    await server().query(
      `create schema other; create table other.kysely_migration (name text, timestamp text);
       insert into other.kysely_migration values ('of another program', '2030-01-01')`,
      name,
    )
    const store = await open(server().url(name))
    expect(await faultOf(store.requireCurrentSchema())).toMatchObject({ code: 'schema.older' })
    await store.migrate()
    await store.requireCurrentSchema()
  })
})

test('a mistake of ours is not taken for a database that is away, and shows no values', async () => {
  const store = await open(server().url(await server().createDatabase('migrated')))
  const log = {
    id: secret,
    host: '',
    openedAt: 0 as never,
    closedAt: undefined,
    firstSegment: 1,
    checkpoint: undefined,
  }
  await store.auditLogs.register(log)
  const error: unknown = await store.auditLogs.register(log).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(Error)
  expect(error).not.toBeInstanceOf(Fault)
  expect(inspect(error, { depth: 20 })).not.toContain(secret)
})

describe('a database that goes away', () => {
  async function known(rig: Rig): Promise<string[]> {
    return (await rig.store.clients.list({ limit: 1000 })).items.map(({ clientId }) => clientId)
  }

  /** Until the store works again by itself. */
  async function recovered(rig: Rig): Promise<void> {
    await expect
      .poll(() => rig.store.doctor.ping().then(() => 'there'), { timeout: 15_000, interval: 50 })
      .toBe('there')
  }

  /** Makes one client after another until `until` resolves; answers who was acknowledged, and who failed. */
  async function writeUntil(rig: Rig, until: Promise<unknown>, prefix: string) {
    const acknowledged: string[] = []
    const failed: string[] = []
    const progress = { isOver: false }
    void until.finally(() => {
      progress.isOver = true
    })
    const worker = async (name: string) => {
      for (let n = 0; !progress.isOver; n++) {
        const id = `${prefix}-${name}-${n}`
        try {
          await write(rig, (tx) => tx.clients.insert(sampleClient(id)))
          acknowledged.push(id)
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
          expect(error).toMatchObject({ code: 'store.unavailable' })
          failed.push(id)
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      }
    }
    await Promise.all(['a', 'b', 'c', 'd'].map(worker))
    return { acknowledged, failed }
  }

  async function pause(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms))
  }

  test.for(['frozen', 'killed', 'shut down'] as const)(
    '%s under changes: nothing hangs, nothing acknowledged is lost, and it goes on by itself',
    { timeout: 60_000 },
    async (how, { rig }) => {
      const story = async () => {
        await pause(300)
        if (how === 'frozen') await server().freeze()
        if (how === 'killed') await server().kill()
        if (how === 'shut down') await server().shutDown()
        // Every kind of call answers, and soon.
        const calls = [
          rig.store.clients.find(asClientId('a')),
          rig.store.doctor.ping(),
          rig.store.revocations.after(0, 1),
          write(rig, (tx) => tx.clients.insert(sampleClient('never'))),
        ]
        for (const fault of await Promise.all(calls.map(faultOf))) expect(fault.code).toBe('store.unavailable')
        // Known to be away, it keeps nobody waiting: this many could not wait in turn.
        const began = performance.now()
        for (let n = 0; n < 100; n++) await faultOf(rig.store.doctor.ping())
        expect(performance.now() - began).toBeLessThan(hangsMs)
        if (how === 'frozen') await server().thaw()
        else await server().start()
        await recovered(rig)
        await pause(300)
      }
      const { acknowledged, failed } = await writeUntil(rig, story(), how.replace(' ', '-'))
      const there = await known(rig)
      expect(acknowledged.length).toBeGreaterThan(10)
      expect(failed.length).toBeGreaterThan(0)
      expect(acknowledged.filter((id) => !there.includes(id))).toEqual([])
      expect(there).not.toContain('never')
      // Beyond those acknowledged, only such whose outcome was said to be unknown.
      expect(there.filter((id) => !acknowledged.includes(id) && !failed.includes(id))).toEqual([])
      const rows = await rig.store.auditLogs.rows(0, 10_000)
      expect(rows.map(({ sequence }) => sequence)).toEqual(there.map((_, n) => n + 1))
    },
  )

  test('one change that stands still holds the others off with a Fault, and is ended in the end', async ({ rig }) => {
    const other = await rig.open()
    const begun = Promise.withResolvers<void>()
    const stuck = Promise.withResolvers<void>()
    // However the test ends: a handle waits for what it has begun.
    rig.beforeClosing(async () => stuck.resolve())
    const first = rig.store.change(rig.context(), async (tx) => {
      await tx.clients.insert(sampleClient('stuck'))
      begun.resolve()
      await stuck.promise
      return { ok: true, value: undefined, event: sampleEvent }
    })
    const ending = first.catch((error: unknown) => error)
    await Promise.race([begun.promise, ending])
    // Twice as many as there are connections.
    const waiting = Array.from({ length: 20 }, (_, n) =>
      faultOf(write(rig, (tx) => tx.clients.insert(sampleClient(`waiting${n}`)))),
    )
    for (const fault of await Promise.all(waiting)) expect(fault.message).toMatch(/busy|took too long/)
    await expect
      .poll(
        () =>
          other
            .change(rig.context(), async (tx) => {
              await tx.clients.insert(sampleClient('next'))
              return { ok: true, value: 'made', event: sampleEvent }
            })
            .then(
              () => 'made',
              () => 'held off',
            ),
        { timeout: 15_000 },
      )
      .toBe('made')
    stuck.resolve()
    expect(await ending).toBeInstanceOf(Fault)
    expect(await known(rig)).toEqual(['next'])
  })

  test('a store is closed although the database is frozen', async ({ rig }) => {
    await rig.store.doctor.ping()
    await server().freeze()
    const began = performance.now()
    try {
      await rig.closeAll()
    } finally {
      await server().thaw()
    }
    expect(performance.now() - began).toBeLessThan(hangsMs)
  })
})

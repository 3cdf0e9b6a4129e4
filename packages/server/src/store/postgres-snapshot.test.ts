import { describe, expect } from 'vitest'
import { rigTest } from './contract/rig.ts'
import { asClientId, asScopes, sampleClient, sampleCredential, sampleServer, write } from './contract/sample-records.ts'
import { openStore } from './open-store.ts'
import { startOtherProcess } from './other-process.test.support.ts'
import { usePostgres } from './postgres.test.support.ts'

const { server, openBackend } = usePostgres()
const test = rigTest(openBackend)

describe('a snapshot of PostgreSQL', () => {
  test('holds one moment, page after page, while changes go on; restored, an empty database is the same', async ({
    rig,
  }) => {
    const ids = Array.from({ length: 1200 }, (_, n) => `c${String(n).padStart(4, '0')}`)
    await write(rig, async (tx) => {
      await tx.resourceServers.insert(sampleServer('api', ['read'], { audience: "urn:it's \\ ü" }))
      for (const id of ids) await tx.clients.insert(sampleClient(id, { scopes: asScopes('api/read') }))
      await tx.clients.insertCredential(
        sampleCredential('c0000', 'secret', { generation: Number.MAX_SAFE_INTEGER as never }),
      )
    })
    const database = await server().createDatabase()
    const other = await openStore({ kind: 'postgres', url: server().url(database) })
    rig.beforeClosing(() => other.close())
    const snapshot = await rig.store.backup.snapshot()
    try {
      expect(snapshot.tables.find(({ name }) => name === 'clients')?.rows).toBe(1200)
      await write(rig, (tx) => tx.clients.delete(asClientId('c0001'), rig.clock.now()))
      await write(rig, (tx) => tx.clients.insert(sampleClient('later')))
      expect(await other.restore.state()).toEqual({ isEmpty: true, others: [] })
      await other.restore.transaction(async (into) => {
        await into.begin(snapshot.migrations)
        for (const table of snapshot.tables) {
          for await (const page of snapshot.rows(table)) await into.insert(table, page)
        }
        await into.migrate()
      })
    } finally {
      await snapshot[Symbol.asyncDispose]()
    }
    await other.requireCurrentSchema()
    const pages = [await other.clients.list({ limit: 1000 })]
    pages.push(await other.clients.list({ limit: 1000, cursor: pages[0]?.nextCursor }))
    expect(pages.flatMap(({ items }) => items.map(({ clientId }) => clientId))).toEqual(ids)
    const record = await other.clients.find(asClientId('c0000'))
    expect(record).toStrictEqual(await rig.store.clients.find(asClientId('c0000')))
    expect(await other.auditLogs.rows(0, 10)).toHaveLength(1)
    // Tables that a restore made are like those of a migration.
    const columns = await server().query(
      `select 1 from information_schema.columns where table_schema = 'public' and table_name not like 'kysely_%'
       and data_type = 'text' and collation_name is distinct from 'C'`,
      database,
    )
    expect(columns).toEqual([])
  })

  test('names other processes that are in contact with the database, and not this one', async ({ rig }) => {
    const database = await server().createDatabase('migrated')
    const url = server().url(database)
    const store = await openStore({ kind: 'postgres', url })
    rig.beforeClosing(() => store.close())
    expect((await store.restore.state()).others).toEqual([])
    const process = startOtherProcess(`
      const { openStore } = await load('store/open-store.ts')
      const store = await openStore({ kind: 'postgres', url: ${JSON.stringify(url)} })
      await store.doctor.ping()
      console.log(globalThis.process.pid)
      setInterval(() => store.doctor.ping(), 1000)`)
    try {
      const pid = await process.line()
      expect((await store.restore.state()).others).toEqual([expect.stringMatching(new RegExp(`^latchkey .* ${pid}$`))])
    } finally {
      await process.kill()
    }
    await expect.poll(async () => (await store.restore.state()).others).toEqual([])
  })
})

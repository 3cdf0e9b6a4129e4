import { describe, expect, test } from 'vitest'
import { openStore } from './open-store.ts'
import { startOtherProcess } from './other-process.test.support.ts'
import { usePostgres } from './postgres.test.support.ts'

const { server } = usePostgres()

describe('migrations among many', () => {
  test(
    'eight processes that start at once on an empty database: it is migrated once, and all go on',
    { timeout: 90_000 },
    async () => {
      const database = await server().createDatabase()
      const url = server().url(database)
      const source = `
      const { openStore } = await load('store/open-store.ts')
      const store = await openStore({ kind: 'postgres', url: ${JSON.stringify(url)} })
      await store.migrate()
      await store.requireCurrentSchema()
      console.log('current')
      await store.close()`
      const others = Array.from({ length: 8 }, () => startOtherProcess(source))
      try {
        for (const other of others) expect(await other.line()).toBe('current')
      } finally {
        for (const other of others) await other.kill()
      }
      const [once] = await server().query(
        `select count(*)::int as names, count(distinct name)::int as different, count(distinct timestamp)::int as runs from kysely_migration`,
        database,
      )
      expect(once?.['names']).toBeGreaterThan(1)
      expect(once?.['different']).toBe(once?.['names'])
      expect(await server().query('select name, value from sequences order by name', database)).toEqual([
        { name: 'changes', value: '0' },
        { name: 'revocations', value: '0' },
      ])
    },
  )

  test('every text column compares octets, and every integer has 64 bits', async () => {
    const other = await server().query(
      `select table_name, column_name, data_type, collation_name from information_schema.columns
       where table_schema = 'public' and table_name not like 'kysely_%'
         and (collation_name is distinct from 'C' and data_type = 'text' or data_type not in ('text', 'bigint'))`,
      'migrated',
    )
    expect(other).toEqual([])
  })

  test('one that was cut off left nothing, and keeps nobody waiting', async () => {
    const database = await server().createDatabase()
    // What the last migrations make is there already: everything before them must go again.
    await server().query('create table recent_refusals (a int)', database)
    const store = await openStore({ kind: 'postgres', url: server().url(database) })
    try {
      await expect(store.migrate()).rejects.toMatchObject({ code: 'store.corrupt' })
      expect(await server().query(`select 1 from pg_tables where tablename = 'clients'`, database)).toEqual([])
      await server().query('drop table recent_refusals', database)
      await store.migrate()
      await store.requireCurrentSchema()
    } finally {
      await store.close()
    }
  })
})

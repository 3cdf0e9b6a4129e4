import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql, type Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Fault } from '../kernel/faults.ts'
import { migrate } from './migrations/index.ts'
import { startOtherProcess, type OtherProcess } from './other-process.test.support.ts'
import { resourceServerReads } from './sql/resource-servers.ts'
import type { Schema } from './sql/schema.ts'
import { openSqlite } from './sqlite.ts'

let directory: string
let file: string
let opened: Kysely<Schema>[]
let others: OtherProcess[]

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'latchkey-sqlite-'))
  file = path.join(directory, 'latchkey.db')
  opened = []
  others = []
})

afterEach(async () => {
  for (const db of opened) await db.destroy()
  for (const other of others) await other.kill()
  await rm(directory, { recursive: true })
})

function open(): Kysely<Schema> {
  const db = openSqlite(file)
  opened.push(db)
  return db
}

async function closeAll(): Promise<void> {
  for (const db of opened.splice(0)) await db.destroy()
}

function start(source: string, unprivileged = false): OtherProcess {
  const other = startOtherProcess(source, { unprivileged })
  others.push(other)
  return other
}

function faultOf(work: () => unknown): Fault {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(Fault)
    return error as Fault
  }
  throw new Error('nothing was thrown')
}

async function faultOfAsync(work: Promise<unknown>): Promise<Fault> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(Fault)
  return error as Fault
}

function tablesAndRows(): Record<string, number> {
  const raw = new DatabaseSync(file, { readOnly: true })
  try {
    const names = raw.prepare("select name from sqlite_schema where type = 'table' order by name").all()
    return Object.fromEntries(
      names.map(({ name }) => [
        String(name),
        Number(raw.prepare(`select count(*) as n from "${String(name)}"`).get()?.['n']),
      ]),
    )
  } finally {
    raw.close()
  }
}

/** A program that holds the file in a transaction of this kind. */
function holder(kind: 'IMMEDIATE' | 'EXCLUSIVE'): string {
  return `const { DatabaseSync } = await import('node:sqlite')
   const db = new DatabaseSync(${JSON.stringify(file)})
   db.exec('PRAGMA locking_mode = ${kind === 'EXCLUSIVE' ? 'EXCLUSIVE' : 'NORMAL'}; BEGIN ${kind}')
   console.log('held')
   setInterval(() => {}, 1000)`
}

describe('settings of the connection', () => {
  test.each([
    ['journal_mode', 'wal'],
    ['synchronous', 2],
    ['foreign_keys', 1],
    ['trusted_schema', 0],
  ])('%s is %s', async (pragma, expected) => {
    const { rows } = await sql.raw<Record<string, unknown>>(`pragma ${pragma}`).execute(open())
    expect(Object.values(rows[0] ?? {})).toEqual([expected])
  })

  test('the file, and those beside it, are for this user alone', async () => {
    await migrate(open())
    const names = await readdir(directory)
    expect(names.toSorted()).toEqual(['latchkey.db', 'latchkey.db-shm', 'latchkey.db-wal'])
    for (const name of names) expect((await stat(path.join(directory, name))).mode & 0o777, name).toBe(0o600)
  })
})

describe('migrations', () => {
  test('a second time changes nothing', async () => {
    await migrate(open())
    await closeAll()
    const before = tablesAndRows()
    await migrate(open())
    expect(tablesAndRows()).toEqual(before)
    expect(before).toMatchObject({ clients: 0, credentials: 0, audit_rows: 0, sequences: 2 })
  })

  test('a database of a newer version is refused and left as it is', async () => {
    await migrate(open())
    await closeAll()
    const raw = new DatabaseSync(file)
    raw.exec(`insert into kysely_migration (name, timestamp) values ('9999-future', '2030-01-01')`)
    raw.exec('create table future (a)')
    raw.close()
    const [bytes, before] = [await readFile(file), tablesAndRows()]
    const fault = await faultOfAsync(migrate(open()))
    expect(fault).toMatchObject({ code: 'schema.newer' })
    expect(fault.message).toContain('9999-future')
    expect(fault.remedy).not.toBe('')
    await closeAll()
    expect(tablesAndRows()).toEqual(before)
    expect((await readFile(file)).equals(bytes)).toBe(true)
  })

  test('one that fails is rolled back whole', async () => {
    // What the migration makes late is there already: everything before it must go again.
    const raw = new DatabaseSync(file)
    raw.exec('create table recent_refusals (a); insert into recent_refusals values (1)')
    raw.close()
    const fault = await faultOfAsync(migrate(open()))
    expect(fault).toMatchObject({ code: 'store.corrupt' })
    expect(fault.message).toContain('0001-registry')
    expect(fault.remedy).not.toBe('')
    await closeAll()
    const after = tablesAndRows()
    expect(after).toMatchObject({ recent_refusals: 1 })
    expect(Object.keys(after).filter((name) => !name.startsWith('kysely_'))).toEqual(['recent_refusals'])
    expect(after['kysely_migration'] ?? 0).toBe(0)
    const repaired = new DatabaseSync(file)
    repaired.exec('drop table recent_refusals')
    repaired.close()
    await migrate(open())
    expect(await resourceServerReads(opened[0] ?? open()).all()).toEqual([])
  })
})

describe('files that cannot be used', () => {
  test('no database: a Fault with its remedy, and the file is left as it is', async () => {
    const text = 'These are not the tables that you are looking for. '.repeat(100)
    await writeFile(file, text)
    const fault = faultOf(() => openSqlite(file))
    expect(fault).toMatchObject({ code: 'store.corrupt', remedy: 'point to a Latchkey database, or restore a backup' })
    expect(fault.message).toContain(file)
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  test('a directory, or a directory that is not there', () => {
    expect(faultOf(() => openSqlite(directory))).toMatchObject({ code: 'store.unavailable' })
    const nowhere = faultOf(() => openSqlite(path.join(directory, 'no', 'such', 'directory.db')))
    expect(nowhere).toMatchObject({ code: 'store.unavailable' })
    expect(nowhere.remedy).toContain('writable')
  })

  test.each([
    ['nor the directory', false],
    ['though the directory', true],
  ])(
    'a file that this user may not write, %s, is refused at once, not by the first change',
    async (_, ownDirectory) => {
      await migrate(open())
      await closeAll()
      await chmod(file, 0o444)
      await chmod(directory, ownDirectory ? 0o777 : 0o555)
      const other = start(
        `const { openSqlite } = await load('store/sqlite.ts')
       try { openSqlite(${JSON.stringify(file)}); console.log('opened') } catch (error) { console.log(error.code + ' ' + error.remedy) }`,
        true,
      )
      expect(await other.line()).toMatch(/^store\.unavailable make the file and its directory writable/)
      await chmod(directory, 0o700)
    },
  )

  test('a damaged database, and one whose damage shows later', async () => {
    await migrate(open())
    await closeAll()
    const bytes = await readFile(file)
    await writeFile(file, Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096, 0xa5)]))
    expect(faultOf(() => openSqlite(file))).toMatchObject({ code: 'store.corrupt' })
    await writeFile(file, bytes)
    const db = open()
    await writeFile(file, Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096, 0xa5)]))
    expect(await faultOfAsync(resourceServerReads(db).all())).toMatchObject({ code: 'store.unavailable' })
  })

  test('a migration that cannot write now says so, and nothing is called damaged', async () => {
    const db = open()
    const other = start(holder('IMMEDIATE'))
    expect(await other.line()).toBe('held')
    expect(await faultOfAsync(migrate(db))).toMatchObject({ code: 'store.unavailable' })
    await other.kill()
    await migrate(db)
  })
})

describe('another process that writes', () => {
  test('holds changes off with a Fault, soon; reads go on; afterwards all is well', async () => {
    const db = open()
    await migrate(db)
    const other = start(holder('IMMEDIATE'))
    expect(await other.line()).toBe('held')
    const began = performance.now()
    const change = db.transaction().execute((tx) => tx.updateTable('sequences').set({ value: 7 }).execute())
    const fault = await faultOfAsync(change)
    expect(fault).toMatchObject({ code: 'store.unavailable' })
    expect(fault.remedy).not.toBe('')
    expect(performance.now() - began).toBeLessThan(2000)
    expect(await resourceServerReads(db).all()).toEqual([])
    await other.kill()
    await db.updateTable('sequences').set({ value: 7 }).execute()
    expect(await db.selectFrom('sequences').select('value').execute()).toEqual([{ value: 7 }, { value: 7 }])
  })

  test('keeps the file from being opened, without it being called damaged', async () => {
    await migrate(open())
    await closeAll()
    const other = start(holder('EXCLUSIVE'))
    expect(await other.line()).toBe('held')
    expect(faultOf(() => openSqlite(file))).toMatchObject({ code: 'store.unavailable' })
    await other.kill()
    expect(await resourceServerReads(open()).all()).toEqual([])
  })
})

test('a mistake of ours is not taken for a database that is away', async () => {
  const db = open()
  await migrate(db)
  for (const mistake of ['select nothing from nowhere', "insert into sequences values ('revocations', 1)"]) {
    const error: unknown = await sql
      .raw(mistake)
      .execute(db)
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(Fault)
  }
})

import { describe, expect } from 'vitest'
import { createLogger } from '../kernel/log.ts'
import { openChangeFeed } from './change-feed.ts'
import { follow, soon } from './contract/feed-contract.ts'
import { rigTest } from './contract/rig.ts'
import { sampleClient, write } from './contract/sample-records.ts'
import { listenOn } from './postgres/listen.ts'
import { openPostgres, wakeChannel } from './postgres.ts'
import { usePostgres } from './postgres.test.support.ts'
import { changeNoticeReads } from './sql/change-notices.ts'
import { everythingChanged, readNotice } from './sql/touched.ts'

const { server, openBackend } = usePostgres()
let url = ''
const test = rigTest(async () => {
  const backend = await openBackend()
  url = backend.url
  return backend
})
const databaseName = () => new URL(url).pathname.slice(1)
/** From the commit on, until every process knows. */
const knownWithinMs = 1000

/** Ends every connection that listens, as a network or a pooler may. */
async function endListeners(): Promise<number> {
  const rows = await server().query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${databaseName()}' and query ilike 'listen%'`,
  )
  return rows.length
}

describe('changes of other processes', () => {
  test('wake who listens: nothing is polled here', async ({ rig }) => {
    const { db, settings } = await openPostgres(url)
    const never = { reads: changeNoticeReads(db), pollMs: 3_600_000, listen: listenOn(settings, wakeChannel) }
    const feed = await openChangeFeed(never, rig.clock, createLogger('silent', { write: () => undefined }))
    rig.beforeClosing(async () => {
      await feed.close()
      await db.destroy()
    })
    const clients: string[] = []
    let contacts = 0
    feed.start({
      onChange: (notice) => Promise.resolve(void clients.push(...notice.clients)),
      onContact: () => void contacts++,
    })
    // Once at the start, once when it began to listen.
    await soon(() => expect(contacts).toBe(2))
    for (const name of ['a', 'b', 'c']) {
      await write(rig, (tx) => tx.clients.insert(sampleClient(name)))
      await soon(() => expect(clients.at(-1)).toBe(name), knownWithinMs)
    }
    expect(await endListeners()).toBe(1)
    await write(rig, (tx) => tx.clients.insert(sampleClient('while nobody listened')))
    await soon(() => expect(clients.at(-1)).toBe('while nobody listened'))
    await write(rig, (tx) => tx.clients.insert(sampleClient('afterwards')))
    await soon(() => expect(clients).toEqual(['a', 'b', 'c', 'while nobody listened', 'afterwards']), knownWithinMs)
  })

  test('are found by polling within a second when nothing wakes', async ({ rig }) => {
    const seen = await follow(rig, await rig.open({ listens: false }))
    await soon(() => expect(seen.contacts.length).toBeGreaterThan(0))
    expect(await endListeners()).toBe(0)
    for (const name of ['a', 'b', 'c']) {
      await write(rig, (tx) => tx.clients.insert(sampleClient(name)))
      await soon(() => expect(seen.clients().at(-1)).toBe(name), knownWithinMs)
    }
    expect(seen.clients()).toEqual(['a', 'b', 'c'])
  })

  test('come after every listener was ended', async ({ rig }) => {
    const seen = await follow(rig, await rig.open())
    await expect.poll(() => endListeners()).toBe(1)
    await write(rig, (tx) => tx.clients.insert(sampleClient('a')))
    await soon(() => expect(seen.clients()).toEqual(['a']), knownWithinMs)
  })

  test('wait while the database is frozen: no contact meanwhile, and each comes once afterwards', async ({ rig }) => {
    const seen = await follow(rig, await rig.open())
    await write(rig, (tx) => tx.clients.insert(sampleClient('before')))
    await soon(() => expect(seen.clients()).toEqual(['before']))
    rig.clock.set(rig.clock.now() + 60_000)
    await server().freeze()
    const frozenAt = rig.clock.now()
    let told: number
    try {
      // What was under way may still come in.
      await new Promise((resolve) => setTimeout(resolve, 2500))
      told = seen.contacts.length
      rig.clock.set(frozenAt + 1)
      await new Promise((resolve) => setTimeout(resolve, 1000))
      expect(seen.contacts).toHaveLength(told)
    } finally {
      await server().thaw()
    }
    await soon(() => expect(seen.contacts.at(-1)).toBe(frozenAt + 1))
    await expect
      .poll(() =>
        write(rig, (tx) => tx.clients.insert(sampleClient('after'))).then(
          () => 'made',
          () => 'away',
        ),
      )
      .toBe('made')
    await soon(() => expect(seen.clients()).toEqual(['before', 'after']))
  })

  test('a database that was put back to an earlier moment: everything changed', async ({ rig }) => {
    for (const name of ['a', 'b']) await write(rig, (tx) => tx.clients.insert(sampleClient(name)))
    const seen = await follow(rig, await rig.open())
    await soon(() => expect(seen.contacts.length).toBeGreaterThan(0))
    await server().query(`update sequences set value = 1 where name = 'changes'`, databaseName())
    await soon(() => expect(seen.notices).toEqual([everythingChanged]))
  })

  test('a notice of another version is about everything', async ({ rig }) => {
    const seen = await follow(rig, await rig.open())
    await server().query(
      `update sequences set value = 1 where name = 'changes';
       insert into change_notices values (1, 0, '{"clients":[],"catalogue":false,"keys":false,"revocations":false,"certificates":true}')`,
      databaseName(),
    )
    await soon(() => expect(seen.notices).toEqual([everythingChanged]))
    for (const text of [
      '',
      'null',
      '[]',
      '{"clients":[]}',
      '{"clients":[1],"catalogue":true,"keys":true,"revocations":true}',
    ])
      expect(readNotice(text)).toBeUndefined()
  })
})

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, expect } from 'vitest'
import { Fault } from '../kernel/faults.ts'
import { follow, soon } from './contract/feed-contract.ts'
import { rigTest, type Rig } from './contract/rig.ts'
import { asClientId, sampleClient, sampleEvent, write } from './contract/sample-records.ts'
import { openStore } from './open-store.ts'
import { usePostgres } from './postgres.test.support.ts'

const { openBackend } = usePostgres()
let url = ''
const test = rigTest(async () => {
  const backend = await openBackend()
  url = backend.url
  return backend
})

/** No call waits longer than this: two seconds for the database, and as much again for a machine that is busy. */
const hangsMs = 4000

/** A network between the store and its database. */
interface Network {
  readonly url: string
  /** Cuts the connection as soon as the database has done the next COMMIT, before its answer arrives; or before it hears of it. */
  cutAtCommit(when: 'before' | 'after'): void
  /** Takes everything and passes nothing on, in either direction, until it is over. */
  swallow(): void
  pass(): void
}

async function openNetwork(rig: Rig): Promise<Network> {
  const target = new URL(url)
  let cut: 'before' | 'after' | undefined
  let swallows = false
  const sockets = new Set<Socket>()
  const listener = createServer((near) => {
    const far = connect(Number(target.port), target.hostname)
    let isCut = false
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    near.on('data', (bytes) => {
      const commits = cut !== undefined && bytes.includes('commit\0')
      isCut ||= commits
      const when = cut
      if (commits) cut = undefined
      if (commits && when === 'before') far.destroy()
      if (!swallows && !far.destroyed) far.write(bytes)
    })
    far.on('data', (bytes) => {
      if (isCut) near.destroy()
      else if (!swallows) near.write(bytes)
    })
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  rig.beforeClosing(() => {
    for (const socket of sockets) socket.destroy()
    listener.close()
    return Promise.resolve()
  })
  const through = new URL(url)
  through.port = String((listener.address() as AddressInfo).port)
  return {
    url: through.href,
    cutAtCommit(when) {
      cut = when
    },
    swallow() {
      swallows = true
    },
    pass() {
      swallows = false
      // What was swallowed is lost: no connection of before is any good.
      for (const socket of sockets) socket.destroy()
    },
  }
}

describe('a network that fails', () => {
  test.for(['before', 'after'] as const)(
    'a connection that breaks %s the COMMIT: the outcome is said to be unknown, and what was done becomes known everywhere',
    async (when, { rig }) => {
      const network = await openNetwork(rig)
      const store = await openStore({ kind: 'postgres', url: network.url })
      rig.beforeClosing(() => store.close())
      const near = await follow(rig, { ...store, change: rig.store.change })
      const far = await follow(rig, await rig.open())
      const change = store.changes(rig.sealer, near.feed.announce)
      await soon(() => expect(near.contacts.length).toBeGreaterThan(0))
      network.cutAtCommit(when)
      const error: unknown = await change(rig.context(), async (tx) => {
        await tx.clients.insert(sampleClient('acme'))
        return { ok: true, value: undefined, event: sampleEvent }
      }).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(Fault)
      expect(error).toMatchObject({ code: 'store.unavailable' })
      expect((error as Fault).message).toMatch(/whether the change was made is not known$/)
      const isMade = (await rig.store.clients.find(asClientId('acme'))) !== undefined
      expect(isMade).toBe(when === 'after')
      await write(rig, (tx) => tx.clients.insert(sampleClient('next')))
      for (const seen of [near, far])
        await soon(() => expect(seen.clients()).toEqual(isMade ? ['acme', 'next'] : ['next']))
    },
  )

  test('one that swallows everything: every call answers soon, and all is well once it is over', async ({ rig }) => {
    const network = await openNetwork(rig)
    const store = await openStore({ kind: 'postgres', url: network.url })
    rig.beforeClosing(() => store.close())
    const change = store.changes(rig.sealer, () => Promise.resolve())
    await store.doctor.ping()
    network.swallow()
    const began = performance.now()
    const calls = Array.from({ length: 30 }, (_, n) =>
      n % 2 === 0
        ? store.clients.find(asClientId('acme'))
        : change(rig.context(), async (tx) => {
            await tx.clients.insert(sampleClient('lost'))
            return { ok: true, value: undefined, event: sampleEvent }
          }),
    )
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'store.unavailable' } })
    }
    expect(performance.now() - began).toBeLessThan(hangsMs)
    network.pass()
    await expect
      .poll(
        () =>
          store.doctor.ping().then(
            () => 'there',
            () => 'away',
          ),
        { timeout: 15_000 },
      )
      .toBe('there')
    expect(await store.clients.find(asClientId('lost'))).toBeUndefined()
  })
})

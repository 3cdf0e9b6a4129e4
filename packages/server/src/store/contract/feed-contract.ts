import { describe, expect } from 'vitest'
import { createLogger } from '../../kernel/log.ts'
import type { ChangeFeed } from '../change-feed.ts'
import { everythingChanged, type ChangeNotice } from '../sql/touched.ts'
import type { OpenBackend, OpenedStore } from './backend.ts'
import { rigTest, type Rig } from './rig.ts'
import { asClientId, asMs, sampleClient, sampleServer, write } from './sample-records.ts'

const hourMs = 3_600_000

/** What one process saw. */
export interface Seen {
  readonly feed: ChangeFeed
  readonly notices: ChangeNotice[]
  readonly contacts: number[]
  /** Every client that was announced, in order. */
  clients(): string[]
}

/** Follows the changes of a handle, until the rig is closed. `fails` says whether this notice is refused for now. */
export async function follow(
  rig: Rig,
  store: OpenedStore,
  fails: (notice: ChangeNotice) => boolean = () => false,
): Promise<Seen> {
  const feed = await store.changeFeed(rig.clock, createLogger('silent', { write: () => undefined }))
  rig.beforeClosing(() => feed.close())
  const notices: ChangeNotice[] = []
  const contacts: number[] = []
  feed.start({
    onChange(notice) {
      if (fails(notice)) return Promise.reject(new Error('not now'))
      notices.push(notice)
      return Promise.resolve()
    },
    onContact: (asOf) => void contacts.push(asOf),
  })
  return { feed, notices, contacts, clients: () => notices.flatMap(({ clients }) => clients) }
}

/** Waits for as long as a change may take to be known everywhere, and not longer. */
export async function soon(check: () => void, timeoutMs = 5000): Promise<void> {
  await expect.poll(() => attempt(check), { interval: 20, timeout: timeoutMs }).toBe('as expected')
}

function attempt(check: () => void): string {
  try {
    check()
    return 'as expected'
  } catch (error) {
    return String(error)
  }
}

export function describeFeed(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)

  describe('change feed', () => {
    test('others’ changes come in the order of their commits, each once; contact is told after them', async ({
      rig,
    }) => {
      const seen = await follow(rig, await rig.open())
      await soon(() => expect(seen.contacts.length).toBeGreaterThan(0))
      const names = Array.from({ length: 20 }, (_, n) => `c${n}`)
      for (const name of names) await write(rig, (tx) => tx.clients.insert(sampleClient(name)))
      await write(rig, (tx) => tx.resourceServers.insert(sampleServer('api', [])))
      const told = seen.contacts.length
      await soon(() => expect(seen.notices.at(-1)?.catalogue).toBe(true))
      await soon(() => expect(seen.contacts.length).toBeGreaterThan(told + 1))
      expect(seen.clients()).toEqual(names)
      expect(seen.notices.every(({ keys, revocations }) => !keys && !revocations)).toBe(true)
    })

    test('an own change is handed over before its caller is answered, and not a second time', async ({ rig }) => {
      const store = await rig.open()
      const seen = await follow(rig, store)
      const change = store.changes(rig.sealer, seen.feed.announce)
      for (const name of ['a', 'b', 'c']) {
        await change(rig.context(), async (tx) => {
          await tx.clients.insert(sampleClient(name))
          return { ok: true, value: undefined, event: { name: 'client.created', subject: name, details: {} } }
        })
        expect(seen.clients().at(-1)).toBe(name)
      }
      const told = seen.contacts.length
      await soon(() => expect(seen.contacts.length).toBeGreaterThan(told + 1))
      expect(seen.clients()).toEqual(['a', 'b', 'c'])
    })

    test('a refused change is not told, and leaves no gap', async ({ rig }) => {
      const seen = await follow(rig, await rig.open())
      await rig.store.change(rig.context(), async (tx) => {
        await tx.clients.insert(sampleClient('refused'))
        return { ok: false, refusal: undefined }
      })
      await write(rig, (tx) => tx.clients.insert(sampleClient('made')))
      await soon(() => expect(seen.clients()).toEqual(['made']))
      expect(seen.notices).toHaveLength(1)
    })

    test('what happened between opening and starting comes; what came before does not', async ({ rig }) => {
      await write(rig, (tx) => tx.clients.insert(sampleClient('before')))
      const store = await rig.open()
      const feed = await store.changeFeed(rig.clock, createLogger('silent', { write: () => undefined }))
      rig.beforeClosing(() => feed.close())
      await write(rig, (tx) => tx.clients.insert(sampleClient('between')))
      const clients: string[] = []
      feed.start({
        onChange: (notice) => Promise.resolve(void clients.push(...notice.clients)),
        onContact: () => undefined,
      })
      await soon(() => expect(clients).toEqual(['between']))
    })

    test('what could not be taken in comes again, with what came meanwhile; until then there is no contact', async ({
      rig,
    }) => {
      let refuses = false
      let attempts = 0
      const seen = await follow(rig, await rig.open(), () => {
        if (refuses) attempts++
        return refuses
      })
      await soon(() => expect(seen.contacts.length).toBeGreaterThan(0))
      refuses = true
      await write(rig, (tx) => tx.clients.insert(sampleClient('a')))
      await soon(() => expect(attempts).toBeGreaterThan(1))
      const told = seen.contacts.length
      await write(rig, (tx) => tx.clients.insert(sampleClient('b')))
      expect(seen.notices).toEqual([])
      expect(seen.contacts).toHaveLength(told)
      refuses = false
      await soon(() => expect(seen.clients()).toEqual(['a', 'b']))
      await soon(() => expect(seen.contacts.length).toBeGreaterThan(told))
    })

    test('whoever was away until notices were dropped is told that everything changed', async ({ rig }) => {
      const store = await rig.open()
      const feed = await store.changeFeed(rig.clock, createLogger('silent', { write: () => undefined }))
      rig.beforeClosing(() => feed.close())
      await write(rig, (tx) => tx.clients.insert(sampleClient('lost')))
      rig.clock.set(rig.clock.now() + hourMs + 1)
      await write(rig, (tx) => tx.clients.insert(sampleClient('kept')))
      const notices: ChangeNotice[] = []
      feed.start({ onChange: (notice) => Promise.resolve(void notices.push(notice)), onContact: () => undefined })
      await soon(() => expect(notices).toEqual([everythingChanged]))
    })

    test('thousands of changes at once are all told', async ({ rig }) => {
      const store = await rig.open()
      const feed = await store.changeFeed(rig.clock, createLogger('silent', { write: () => undefined }))
      rig.beforeClosing(() => feed.close())
      const names = Array.from({ length: 1500 }, (_, n) => `c${n}`)
      for (const name of names) {
        await rig.store.change(rig.context(), async (tx) => {
          await tx.clients.delete(asClientId(name), rig.clock.now())
          return { ok: true, value: undefined, event: { name: 'client.deleted', subject: name, details: {} } }
        })
      }
      const clients: string[] = []
      feed.start({
        onChange: (notice) => Promise.resolve(void clients.push(...notice.clients)),
        onContact: () => undefined,
      })
      await soon(() => expect(clients).toEqual(names))
    })

    test('contact is a moment before the read, of the clock that was given', async ({ rig }) => {
      rig.clock.set(1000)
      const seen = await follow(rig, await rig.open())
      await soon(() => expect(seen.contacts.at(-1)).toBe(1000))
      rig.clock.set(asMs(2000))
      await soon(() => expect(seen.contacts.at(-1)).toBe(2000))
      expect(seen.contacts).toEqual(seen.contacts.toSorted((a, b) => a - b))
    })
  })
}

import { describe, expect } from 'vitest'
import { registryOn } from '../../clients/registry.test.support.ts'
import type { ResourceServer } from '../../resource-servers/resource-server.ts'
import { rigTest } from '../contract/rig.ts'
import { asMs } from '../contract/sample-records.ts'
import { openSqliteBackend } from '../sqlite.test.support.ts'
import { everythingChanged } from '../sql/touched.ts'
import { cachedCatalogue } from './catalogue.ts'
import { cachedClients } from './clients.ts'
import { contact, maxSilenceMs } from './contact.ts'

const test = rigTest(openSqliteBackend)

describe('without contact to the database', () => {
  test('clients in memory are believed for fifteen minutes, to the millisecond, and again after contact', async ({
    rig,
  }) => {
    const { client } = await registryOn(rig).addClient('Acme', [])
    const since = rig.clock.now()
    const lately = contact(rig.clock)
    const cache = cachedClients(rig.store.clients, lately)
    await cache.load(client.clientId)
    expect(cache.cached(client.clientId)).toBeDefined()
    rig.clock.set(since + maxSilenceMs)
    expect(maxSilenceMs).toBe(900_000)
    expect(cache.cached(client.clientId)).toBeDefined()
    rig.clock.set(since + maxSilenceMs + 1)
    expect(cache.cached(client.clientId)).toBeUndefined()
    lately.confirm(asMs(since + maxSilenceMs))
    expect(cache.cached(client.clientId)).toBeDefined()
  })
})

describe('the catalogue', () => {
  test('stays when it cannot be read, and is read when it can', async ({ rig }) => {
    const registry = registryOn(rig)
    await registry.addServer('api', ['read'])
    let isAway = false
    const cache = await cachedCatalogue({
      all: () => (isAway ? Promise.reject(new Error('away')) : rig.store.resourceServers.all()),
    })
    await registry.addServer('other', ['read'])
    isAway = true
    await expect(cache.invalidate(everythingChanged)).rejects.toThrow('away')
    expect([...cache.current().byName.keys()]).toEqual(['api'])
    isAway = false
    await cache.invalidate(everythingChanged)
    expect([...cache.current().byName.keys()]).toEqual(['api', 'other'])
  })

  test('a read that was overtaken does not replace what is newer', async ({ rig }) => {
    const registry = registryOn(rig)
    const held: (() => void)[] = []
    let holds = false
    const cache = await cachedCatalogue({
      async all(): Promise<ResourceServer[]> {
        const found = await rig.store.resourceServers.all()
        if (holds) await new Promise<void>((resolve) => held.push(resolve))
        return found
      },
    })
    holds = true
    const slow = cache.invalidate(everythingChanged)
    await expect.poll(() => held.length).toBe(1)
    await registry.addServer('api', ['read'])
    holds = false
    await cache.invalidate(everythingChanged)
    held[0]?.()
    await slow
    expect([...cache.current().byName.keys()]).toEqual(['api'])
  })
})

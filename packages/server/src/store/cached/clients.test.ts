import { describe, expect } from 'vitest'
import type { ClientId } from '../../clients/client.ts'
import type { ClientRecord } from '../../clients/compile.ts'
import type { ClientReads } from '../../clients/ports.ts'
import { must, registryOn } from '../../clients/registry.test.support.ts'
import { setClientState } from '../../clients/update-client.ts'
import { rigTest } from '../contract/rig.ts'
import { openSqliteBackend } from '../sqlite.test.support.ts'
import { cachedCatalogue } from './catalogue.ts'
import { cachedClients } from './clients.ts'

const test = rigTest(openSqliteBackend)

/** Reads whose answers are held back until the test lets them go. */
function heldBack(reads: ClientReads): ClientReads & { release(): void } {
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  return {
    ...reads,
    async find(clientId): Promise<ClientRecord | undefined> {
      const record = await reads.find(clientId)
      await held
      return record
    },
    release: () => release(),
  }
}

describe('clients in memory', () => {
  test('a client is known after it was loaded, and until it changes', async ({ rig }) => {
    const registry = registryOn(rig)
    const { client } = await registry.addClient('Acme', [])
    const { client: other } = await registry.addClient('Other', [])
    const cache = cachedClients(rig.store.clients)
    expect(cache.cached(client.clientId)).toBeUndefined()
    const loaded = await cache.load(client.clientId)
    await cache.load(other.clientId)
    expect(cache.cached(client.clientId)).toBe(loaded)
    cache.invalidate({ clients: [client.clientId], catalogue: false, keys: false, revocations: false })
    expect(cache.cached(client.clientId)).toBeUndefined()
    expect(cache.cached(other.clientId)).toBeDefined()
    cache.invalidate({ clients: [], catalogue: true, keys: false, revocations: false })
    expect(cache.cached(other.clientId)).toBeUndefined()
  })

  test('an unknown client is not remembered as such', async ({ rig }) => {
    const cache = cachedClients(rig.store.clients)
    expect(await cache.load('nobody' as ClientId)).toBeUndefined()
    expect(cache.cached('nobody' as ClientId)).toBeUndefined()
  })

  test.for([false, true])(
    'what was read before a change is not kept after it; the whole catalogue: %s',
    async (catalogue, { rig }) => {
      const registry = registryOn(rig)
      const { client } = await registry.addClient('Acme', [])
      const slow = heldBack(rig.store.clients)
      const cache = cachedClients(slow)
      const loading = cache.load(client.clientId)
      // Reads take their turn at the connection before the change does.
      await rig.store.clients.find(client.clientId)
      must(await setClientState(registry.change, rig.context(), client.clientId, 'disabled'))
      cache.invalidate({ clients: catalogue ? [] : [client.clientId], catalogue, keys: false, revocations: false })
      slow.release()
      expect((await loading)?.state).toBe('enabled')
      expect(cache.cached(client.clientId)).toBeUndefined()
      expect((await cache.load(client.clientId))?.state).toBe('disabled')
      expect(cache.cached(client.clientId)?.state).toBe('disabled')
    },
  )

  test('a change of another client does not keep a read from being remembered', async ({ rig }) => {
    const { client } = await registryOn(rig).addClient('Acme', [])
    const slow = heldBack(rig.store.clients)
    const cache = cachedClients(slow)
    const loading = cache.load(client.clientId)
    cache.invalidate({ clients: ['other' as ClientId], catalogue: false, keys: false, revocations: false })
    slow.release()
    await loading
    expect(cache.cached(client.clientId)).toBeDefined()
  })

  test('one that was in memory is read again by itself when it changed, and no other', async ({ rig }) => {
    const registry = registryOn(rig)
    const { client } = await registry.addClient('Acme', [])
    const { client: never } = await registry.addClient('Never asked for', [])
    const cache = cachedClients(rig.store.clients)
    await cache.load(client.clientId)
    must(await setClientState(registry.change, rig.context(), client.clientId, 'disabled'))
    const changed = { clients: [client.clientId, never.clientId], catalogue: false, keys: false, revocations: false }
    cache.invalidate(changed)
    expect(cache.cached(client.clientId)).toBeUndefined()
    await expect.poll(() => cache.cached(client.clientId)?.state).toBe('disabled')
    expect(cache.cached(never.clientId)).toBeUndefined()
    expect(cache.size()).toBe(1)
  })

  test('that it cannot be read again is nobody’s fault, and it is not remembered as it was', async ({ rig }) => {
    const { client } = await registryOn(rig).addClient('Acme', [])
    let isAway = false
    const find = (clientId: ClientId) => (isAway ? Promise.reject(new Error('away')) : rig.store.clients.find(clientId))
    const cache = cachedClients({ ...rig.store.clients, find })
    await cache.load(client.clientId)
    isAway = true
    cache.invalidate({ clients: [client.clientId], catalogue: false, keys: false, revocations: false })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(cache.cached(client.clientId)).toBeUndefined()
  })

  test('a failed read leaves nothing behind', async ({ rig }) => {
    const { client } = await registryOn(rig).addClient('Acme', [])
    let fails = true
    const cache = cachedClients({
      ...rig.store.clients,
      find: (clientId) => (fails ? Promise.reject(new Error('away')) : rig.store.clients.find(clientId)),
    })
    await expect(cache.load(client.clientId)).rejects.toThrow('away')
    fails = false
    expect(await cache.load(client.clientId)).toBeDefined()
  })
})

describe('the catalogue in memory', () => {
  test('is read anew after a change of a resource server, and only then', async ({ rig }) => {
    const registry = registryOn(rig)
    await registry.addServer('api', ['read'])
    const cache = await cachedCatalogue(rig.store.resourceServers)
    const first = cache.current()
    await cache.invalidate({ clients: ['acme' as ClientId], catalogue: false, keys: false, revocations: false })
    expect(cache.current()).toBe(first)
    await registry.addServer('other', ['read'])
    await cache.invalidate({ clients: [], catalogue: true, keys: false, revocations: false })
    expect([...cache.current().byName.keys()]).toEqual(['api', 'other'])
  })
})

import { describe, expect } from 'vitest'
import { must, reasonOf, registryOn, type Registry } from '../clients/registry.test.support.ts'
import { startMs } from '../kernel/fixed-surroundings.test.support.ts'
import { rigTest, type Rig } from '../store/contract/rig.ts'
import { revocationSequences } from '../store/contract/sample-records.ts'
import { openSqliteBackend } from '../store/sqlite.test.support.ts'
import { compileCatalogue } from './catalogue.ts'
import { addResourceServerCredential } from './add-resource-server-credential.ts'
import { createResourceServer } from './create-resource-server.ts'
import { deleteResourceServer } from './delete-resource-server.ts'
import { updateResourceServer, type ResourceServerUpdate } from './update-resource-server.ts'

const test = rigTest(openSqliteBackend)

/** Two APIs, two holders of `api` and a bystander; 5 seconds later. */
async function populated(rig: Rig) {
  const registry = registryOn(rig)
  await registry.addServer('api', ['read', 'write', 'free'], { tokenTtlSeconds: 600 })
  await registry.addServer('other', ['read'])
  const { client: reader } = await registry.addClient('Reader', ['api/read', 'other/read'])
  const { client: writer } = await registry.addClient('Writer', ['api/write'])
  const { client: bystander } = await registry.addClient('Bystander', ['other/read'])
  rig.clock.advance(5000)
  return { registry, reader, writer, bystander }
}

const before = [startMs, startMs]
const ended = [startMs + 5000, startMs + 5000]

async function update(rig: Rig, registry: Registry, input: ResourceServerUpdate, name = 'api') {
  return updateResourceServer(registry.change, rig.context(), name, input)
}

function described(...names: string[]) {
  return names.map((name) => ({ name, description: '' }))
}

describe('creating', () => {
  test('answers what is stored', async ({ rig }) => {
    const input = {
      name: 'api',
      audience: 'urn:api',
      scopes: described('b', 'B', 'a'),
      exclusive: true,
      tokenTtlSeconds: 60,
    }
    const created = must(await createResourceServer(registryOn(rig).change, rig.context(), input))
    expect(created.scopes.map(({ name }) => name)).toEqual(['B', 'a', 'b'])
    expect(await rig.store.resourceServers.all()).toStrictEqual([created])
  })

  test.for([
    ['resource_server.reserved', 'latchkey', 'urn:new'],
    ['resource_server.name_taken', 'api', 'urn:new'],
    ['resource_server.audience_taken', 'new', 'https://api.example.com'],
  ])('%s', async ([reason, name, audience], { rig }) => {
    const { registry } = await populated(rig)
    const input = { name: name ?? '', audience: audience ?? '', scopes: described('read'), exclusive: false }
    expect(reasonOf(await createResourceServer(registry.change, rig.context(), input))).toBe(reason)
    expect((await rig.store.resourceServers.all()).map((server) => server.name)).toEqual(['api', 'other'])
  })
})

describe('updating', () => {
  test.for<[what: string, input: ResourceServerUpdate]>([
    ['another audience', { audience: 'urn:new' }],
    ['exclusive', { exclusive: true }],
    ['shorter tokens', { tokenTtlSeconds: 599 }],
  ])('%s ends the tokens of all its holders, and of nobody else', async ([, input], { rig }) => {
    const { registry, reader, writer, bystander } = await populated(rig)
    must(await update(rig, registry, input))
    expect(await registry.generations(reader.clientId)).toEqual(ended)
    expect(await registry.generations(writer.clientId)).toEqual(ended)
    expect(await registry.generations(bystander.clientId)).toEqual(before)
    expect(registry.revocations).toHaveLength(4)
    expect(await revocationSequences(rig.store)).toHaveLength(4)
    expect((await registry.lastEvent()).details).toMatchObject({ tokens_ended: true, taken_from: [] })
  })

  test.for<[what: string, input: ResourceServerUpdate]>([
    ['nothing', {}],
    ['the same audience', { audience: 'https://api.example.com' }],
    ['a scope more, another description', { setScopes: [...described('new'), { name: 'read', description: 'New' }] }],
    ['a scope less that nobody holds', { removeScopes: ['free'] }],
    ['longer tokens', { tokenTtlSeconds: 601 }],
    ['no limit any more', { tokenTtlSeconds: null }],
    ['still not exclusive', { exclusive: false }],
  ])('%s ends nothing', async ([, input], { rig }) => {
    const { registry, reader, writer } = await populated(rig)
    must(await update(rig, registry, input))
    expect(await registry.generations(reader.clientId)).toEqual(before)
    expect(await registry.generations(writer.clientId)).toEqual(before)
    expect(registry.revocations).toEqual([])
    expect((await registry.lastEvent()).details).toMatchObject({ tokens_ended: false, taken_from: [] })
  })

  test('no longer exclusive ends nothing', async ({ rig }) => {
    const registry = registryOn(rig)
    await registry.addServer('vault', ['open'], { exclusive: true })
    const { client } = await registry.addClient('Acme', ['vault/open'])
    must(await update(rig, registry, { exclusive: false }, 'vault'))
    expect(await registry.generations(client.clientId)).toEqual(before)
  })

  test('answers what is stored', async ({ rig }) => {
    const { registry } = await populated(rig)
    const input = {
      audience: 'urn:new',
      exclusive: true,
      tokenTtlSeconds: null,
      setScopes: [{ name: 'read', description: 'New' }, ...described('added')],
      removeScopes: ['free'],
    }
    const after = must(await update(rig, registry, input))
    expect((await rig.store.resourceServers.all())[0]).toStrictEqual(after)
    expect(after).toMatchObject({ audience: 'urn:new', exclusive: true, revision: 2, updatedAt: startMs + 5000 })
    expect(after.tokenTtlSeconds).toBeUndefined()
    expect(after.scopes.map(({ name, description }) => `${name}:${description}`)).toEqual([
      'added:',
      'read:New',
      'write:',
    ])
  })

  test('a held scope is only taken away by force: from its holders, whose tokens end, and the log says from whom', async ({
    rig,
  }) => {
    const { registry, reader, writer, bystander } = await populated(rig)
    const refused = await update(rig, registry, { removeScopes: ['free', 'read'] })
    expect(reasonOf(refused)).toBe('scope.in_use')
    if (!refused.ok) expect(refused.refusal.message).toContain(reader.clientId)
    expect((await rig.store.resourceServers.all())[0]?.scopes).toHaveLength(3)

    must(await update(rig, registry, { removeScopes: ['read', 'read'], force: true }))
    expect((await rig.store.clients.find(reader.clientId))?.client).toMatchObject({
      scopes: ['other/read'],
      revision: 2,
    })
    expect((await rig.store.clients.find(writer.clientId))?.client).toStrictEqual(writer)
    expect(await registry.generations(reader.clientId)).toEqual(ended)
    expect(await registry.generations(writer.clientId)).toEqual(before)
    expect(await registry.generations(bystander.clientId)).toEqual(before)
    expect((await registry.lastEvent()).details).toMatchObject({ tokens_ended: true, taken_from: [reader.clientId] })
    expect(rig.notices.at(-1)).toEqual({ clients: [reader.clientId], catalogue: true, keys: false, revocations: true })
  })

  test('a scope of the same name elsewhere stays', async ({ rig }) => {
    const registry = registryOn(rig)
    await registry.addServer('api', ['read'])
    await registry.addServer('api.b', ['read'])
    const { client } = await registry.addClient('Acme', ['api/read', 'api.b/read'])
    must(await update(rig, registry, { removeScopes: ['read'], force: true }))
    expect((await rig.store.clients.find(client.clientId))?.client.scopes).toEqual(['api.b/read'])
  })

  test('refusals change nothing', async ({ rig }) => {
    const { registry } = await populated(rig)
    const all = await rig.store.resourceServers.all()
    expect(reasonOf(await update(rig, registry, {}, 'nobody'))).toBe('resource_server.unknown')
    expect(reasonOf(await update(rig, registry, { audience: 'https://other.example.com' }))).toBe(
      'resource_server.audience_taken',
    )
    expect(reasonOf(await update(rig, registry, { removeScopes: ['free', 'nothing'], force: true }))).toBe(
      'scope.unknown',
    )
    // By force, but refused later: what was taken first is given back with the rest.
    expect(reasonOf(await update(rig, registry, { removeScopes: ['read', 'nothing'], force: true }))).toBe(
      'scope.unknown',
    )
    expect(await rig.store.resourceServers.all()).toStrictEqual(all)
    const { items } = await rig.store.clients.list({ limit: 10 })
    expect(items.filter(({ scopes }) => scopes.some((scope) => scope === 'api/read'))).toHaveLength(1)
    expect(await revocationSequences(rig.store)).toEqual([])
  })
})

describe('deleting', () => {
  test('one that is used only by force; its clients lose the scopes and their tokens', async ({ rig }) => {
    const { registry, reader, writer, bystander } = await populated(rig)
    const remove = (force: boolean) => deleteResourceServer(registry.change, rig.context(), 'api', { force })
    expect(reasonOf(await remove(false))).toBe('resource_server.in_use')
    expect(registry.revocations).toEqual([])
    must(await remove(true))
    expect((await rig.store.resourceServers.all()).map(({ name }) => name)).toEqual(['other'])
    expect((await rig.store.clients.find(reader.clientId))?.client.scopes).toEqual(['other/read'])
    expect((await rig.store.clients.find(writer.clientId))?.client.scopes).toEqual([])
    expect(await registry.generations(reader.clientId)).toEqual(ended)
    expect(await registry.generations(writer.clientId)).toEqual(ended)
    expect(await registry.generations(bystander.clientId)).toEqual(before)
    const { details } = await registry.lastEvent()
    expect(details['taken_from']).toEqual([reader.clientId, writer.clientId].toSorted())
    expect(reasonOf(await remove(true))).toBe('resource_server.unknown')
  })

  test('one that nobody uses, with the client that it introspected with', async ({ rig }) => {
    const { registry, bystander } = await populated(rig)
    await registry.addServer('unused', ['read'])
    const { credential } = must(await addResourceServerCredential(registry.change, rig.maker, rig.context(), 'unused'))
    must(await deleteResourceServer(registry.change, rig.context(), 'unused', { force: false }))
    expect(await rig.store.clients.find(credential.clientId)).toBeUndefined()
    expect(rig.notices.at(-1)).toEqual({
      clients: [credential.clientId],
      catalogue: true,
      keys: false,
      revocations: false,
    })
    expect(await registry.generations(bystander.clientId)).toEqual(before)
  })
})

describe('its credential', () => {
  test('the first makes its client, the second is one more secret of it', async ({ rig }) => {
    const registry = registryOn(rig)
    await registry.addServer('api', ['read'])
    const add = async () => must(await addResourceServerCredential(registry.change, rig.maker, rig.context(), 'api'))
    const [first, second] = [await add(), await add()]
    expect(second.credential.clientId).toBe(first.credential.clientId)
    expect(second.clientSecret).not.toBe(first.clientSecret)
    expect((await rig.store.resourceServers.all())[0]?.clientId).toBe(first.credential.clientId)
    const record = await rig.store.clients.find(first.credential.clientId)
    expect(record?.client).toMatchObject({
      kind: 'resource-server',
      resourceServer: 'api',
      scopes: [],
      state: 'enabled',
    })
    expect(record?.credentials.map(({ kind }) => kind).toSorted()).toEqual(['local', 'secret', 'secret'])
    expect((await rig.store.clients.list({ limit: 10 })).items).toEqual([])
    const none = await addResourceServerCredential(registry.change, rig.maker, rig.context(), 'nobody')
    expect(reasonOf(none)).toBe('resource_server.unknown')
  })
})

describe('the catalogue', () => {
  test('knows servers by name and audience, and every scope whole', async ({ rig }) => {
    await populated(rig)
    const catalogue = compileCatalogue(await rig.store.resourceServers.all())
    expect([...catalogue.byName.keys()]).toEqual(['api', 'other'])
    expect(catalogue.byAudience.get('https://other.example.com')?.name).toBe('other')
    expect([...catalogue.scopes]).toEqual(['api/free', 'api/read', 'api/write', 'other/read'])
  })
})

import { parseClientSecret, type Scope } from '@latchkey/protocol'
import { describe, expect } from 'vitest'
import { startMs } from '../kernel/fixed-surroundings.test.support.ts'
import { addResourceServerCredential } from '../resource-servers/add-resource-server-credential.ts'
import { rigTest } from '../store/contract/rig.ts'
import { revocationSequences } from '../store/contract/sample-records.ts'
import { openSqliteBackend } from '../store/sqlite.test.support.ts'
import { isClientIdForm, type ClientId } from './client.ts'
import { createClient } from './create-client.ts'
import { must, reasonOf, registryOn } from './registry.test.support.ts'
import { digestSecret, sameDigest } from './secrets.ts'
import { deleteClient, setClientState, updateClient, type ClientUpdate } from './update-client.ts'

const test = rigTest(openSqliteBackend)
const nobody = 'nobody' as ClientId

describe('creating', () => {
  test('a client with its scopes, one secret and its local credential', async ({ rig }) => {
    const registry = registryOn(rig)
    await registry.addServer('api', ['read', 'write'])
    const { client, clientSecret, secret } = await registry.addClient('Acme', ['api/write', 'api/read', 'api/write'])
    expect(isClientIdForm(client.clientId)).toBe(true)
    expect(client.scopes).toEqual(['api/read', 'api/write'])
    const record = await rig.store.clients.find(client.clientId)
    expect(record?.client).toStrictEqual(client)
    expect(record?.credentials.map(({ kind }) => kind).toSorted()).toEqual(['local', 'secret'])
    expect(parseClientSecret(clientSecret)).toEqual({ environment: 'test', credentialId: secret.id })
    expect(registry.revocations).toEqual([])
    expect(await registry.lastEvent()).toEqual({
      name: 'client.created',
      subject: client.clientId,
      details: { name: 'Acme', authentication: 'secret', scopes: ['api/read', 'api/write'], secret: secret.id },
    })
  })

  test('only a keyed digest of the secret is kept; the local credential has none', async ({ rig }) => {
    const registry = registryOn(rig)
    const { client, clientSecret, secret } = await registry.addClient('Acme', [])
    const record = await rig.store.clients.find(client.clientId)
    expect(JSON.stringify([record, await rig.store.auditLogs.rows(0, 10)])).not.toContain(clientSecret.slice(-50))
    const kept = Buffer.from(secret.digest ?? '', 'base64url')
    expect(sameDigest(kept, digestSecret(rig.dataKeys, secret.digestKeyId ?? '', clientSecret))).toBe(true)
    expect(sameDigest(kept, digestSecret(rig.dataKeys, secret.digestKeyId ?? '', `${clientSecret}x`))).toBe(false)
    expect(sameDigest(kept, kept.subarray(1))).toBe(false)
    const local = record?.credentials.find(({ kind }) => kind === 'local')
    expect([local?.digest, local?.digestKeyId]).toEqual([undefined, undefined])
  })

  test.for(['api/delete', 'API/read', 'nobody/read', 'api', 'api/', '/read', 'api/read/more', ''])(
    'a scope that is not registered is refused: %j',
    async (scope, { rig }) => {
      const registry = registryOn(rig)
      await registry.addServer('api', ['read'])
      const input = { name: 'Acme', scopes: ['api/read', scope] as Scope[] }
      const result = await createClient(registry.change, rig.maker, rig.context(), input)
      expect(result).toMatchObject({ ok: false, refusal: { reason: 'scope.unknown', field: 'scopes' } })
      expect((await rig.store.clients.list({ limit: 10 })).items).toEqual([])
      expect((await registry.lastEvent()).name).toBe('resource_server.created')
    },
  )
})

describe('updating', () => {
  test.for<[what: string, input: ClientUpdate]>([
    ['a scope less', { removeScopes: ['api/read'] as Scope[] }],
    ['one scope less, another more', { removeScopes: ['api/read'] as Scope[], addScopes: ['api/admin'] as Scope[] }],
    [
      'a scope added and removed at once',
      { removeScopes: ['api/read'] as Scope[], addScopes: ['api/read'] as Scope[] },
    ],
    ['shorter tokens', { tokenTtlSeconds: 599 }],
  ])('%s ends the tokens of every credential', async ([, input], { rig }) => {
    const registry = registryOn(rig)
    await registry.addServer('api', ['read', 'write', 'admin'])
    const { client } = await registry.addClient('Acme', ['api/read', 'api/write'], 600)
    const bystander = await registry.addClient('Other', ['api/read'], 600)
    rig.clock.advance(5000)
    must(await updateClient(registry.change, rig.context(), client.clientId, input))
    const record = await rig.store.clients.find(client.clientId)
    expect(await registry.generations(client.clientId)).toEqual([startMs + 5000, startMs + 5000])
    expect(await registry.generations(bystander.client.clientId)).toEqual([startMs, startMs])
    expect(registry.revocations).toEqual(
      record?.credentials.map(({ reference, generation }) => ({
        kind: 'credential',
        subject: reference,
        minimum: generation,
        // 24 hours that a token may live, and the clock difference that a verifier may allow.
        expiresAt: startMs + 5000 + 86_400_000 + 300_000,
      })),
    )
    expect(await revocationSequences(rig.store)).toEqual([startMs + 5000, startMs + 5001])
    expect((await registry.lastEvent()).details).toMatchObject({ tokens_ended: true })
  })

  test.for<[what: string, input: ClientUpdate]>([
    ['nothing', {}],
    ['another name', { name: 'New' }],
    ['a scope more', { addScopes: ['api/admin', 'api/read'] as Scope[] }],
    ['longer tokens', { tokenTtlSeconds: 601 }],
    ['tokens as long as before', { tokenTtlSeconds: 600 }],
    ['no limit any more', { tokenTtlSeconds: null }],
  ])('%s ends nothing', async ([, input], { rig }) => {
    const registry = registryOn(rig)
    await registry.addServer('api', ['read', 'write', 'admin'])
    const { client } = await registry.addClient('Acme', ['api/read'], 600)
    rig.clock.advance(5000)
    must(await updateClient(registry.change, rig.context(), client.clientId, input))
    expect(await registry.generations(client.clientId)).toEqual([startMs, startMs])
    expect(registry.revocations).toEqual([])
    expect((await registry.lastEvent()).details).toMatchObject({ tokens_ended: false })
  })

  test('answers the client as it is stored', async ({ rig }) => {
    const registry = registryOn(rig)
    await registry.addServer('api', ['read', 'write'])
    const { client } = await registry.addClient('Acme', ['api/write'], 600)
    rig.clock.advance(1)
    const input = { name: 'New', addScopes: ['api/read'] as Scope[], tokenTtlSeconds: null }
    const updated = must(await updateClient(registry.change, rig.context(), client.clientId, input))
    expect(updated).toStrictEqual({
      ...client,
      name: 'New',
      scopes: ['api/read', 'api/write'],
      tokenTtlSeconds: undefined,
      updatedAt: startMs + 1,
      revision: 2,
    })
    expect((await rig.store.clients.find(client.clientId))?.client).toStrictEqual(updated)
  })

  test('refusals change nothing', async ({ rig }) => {
    const registry = registryOn(rig)
    await registry.addServer('api', ['read', 'write'])
    const { client } = await registry.addClient('Acme', ['api/read'])
    const secret = must(await addResourceServerCredential(registry.change, rig.maker, rig.context(), 'api'))
    const update = async (clientId: ClientId, input: ClientUpdate) =>
      reasonOf(await updateClient(registry.change, rig.context(), clientId, { name: 'New', ...input }))
    expect(await update(nobody, {})).toBe('client.unknown')
    expect(await update(secret.credential.clientId, {})).toBe('client.is_resource_server')
    expect(await update(client.clientId, { addScopes: ['api/delete'] as Scope[] })).toBe('scope.unknown')
    expect(await update(client.clientId, { removeScopes: ['api/write'] as Scope[] })).toBe('scope.unknown')
    expect((await rig.store.clients.find(client.clientId))?.client).toStrictEqual(client)
    expect(await revocationSequences(rig.store)).toEqual([])
  })

  test('generations grow though the clock stands still or steps back', async ({ rig }) => {
    const registry = registryOn(rig)
    await registry.addServer('api', ['read', 'write'])
    const { client } = await registry.addClient('Acme', ['api/read'])
    const change = async (input: ClientUpdate) =>
      must(await updateClient(registry.change, rig.context(), client.clientId, input))
    await change({ removeScopes: ['api/read'] as Scope[] })
    expect(await registry.generations(client.clientId)).toEqual([startMs + 1, startMs + 1])
    rig.clock.set(startMs - 1_000_000)
    await change({ addScopes: ['api/read'] as Scope[] })
    await change({ removeScopes: ['api/read'] as Scope[] })
    expect(await registry.generations(client.clientId)).toEqual([startMs + 2, startMs + 2])
    rig.clock.set(startMs + 1000)
    await change({ tokenTtlSeconds: 60 })
    expect(await registry.generations(client.clientId)).toEqual([startMs + 1000, startMs + 1000])
    const sequences = await revocationSequences(rig.store)
    expect(sequences).toEqual([startMs, startMs + 1, startMs + 2, startMs + 3, startMs + 1000, startMs + 1001])
  })
})

describe('disabling and enabling', () => {
  test('disabling ends tokens, enabling revives none, and repeating changes nothing further', async ({ rig }) => {
    const registry = registryOn(rig)
    const { client } = await registry.addClient('Acme', [])
    const set = async (state: 'enabled' | 'disabled') => {
      rig.clock.advance(1000)
      const changed = must(await setClientState(registry.change, rig.context(), client.clientId, state))
      expect((await rig.store.clients.find(client.clientId))?.client).toStrictEqual(changed)
      const { revision, updatedAt } = changed
      const event = await registry.lastEvent()
      expect(event).toEqual({ name: `client.${state}`, subject: client.clientId, details: { name: 'Acme' } })
      return { state: changed.state, revision, updatedAt, generations: await registry.generations(client.clientId) }
    }
    const disabled = {
      state: 'disabled',
      revision: 2,
      updatedAt: startMs + 1000,
      generations: [startMs + 1000, startMs + 1000],
    }
    expect(await set('disabled')).toEqual(disabled)
    expect(await set('disabled')).toEqual(disabled)
    const enabled = { ...disabled, state: 'enabled', revision: 3, updatedAt: startMs + 3000 }
    expect(await set('enabled')).toEqual(enabled)
    expect(await set('enabled')).toEqual(enabled)
    expect(registry.revocations).toHaveLength(2)
  })

  test('refusals', async ({ rig }) => {
    const registry = registryOn(rig)
    await registry.addServer('api', ['read'])
    const { credential } = must(await addResourceServerCredential(registry.change, rig.maker, rig.context(), 'api'))
    const set = async (id: ClientId) => reasonOf(await setClientState(registry.change, rig.context(), id, 'disabled'))
    expect(await set(nobody)).toBe('client.unknown')
    expect(await set(credential.clientId)).toBe('client.is_resource_server')
  })
})

describe('deleting', () => {
  test('ends its tokens, removes it whole, and the log keeps its name', async ({ rig }) => {
    const registry = registryOn(rig)
    await registry.addServer('api', ['read'])
    const { client, secret } = await registry.addClient('Acme', ['api/read'])
    const references = (await rig.store.clients.find(client.clientId))?.credentials.map(({ reference }) => reference)
    must(await deleteClient(registry.change, rig.context(), client.clientId))
    expect(await rig.store.clients.find(client.clientId)).toBeUndefined()
    expect(await rig.store.clients.findCredential(secret.id)).toBeUndefined()
    expect(registry.revocations.map(({ subject, minimum }) => [subject, minimum])).toEqual(
      references?.map((reference) => [reference, startMs + 1]),
    )
    expect(await revocationSequences(rig.store)).toHaveLength(2)
    expect(await registry.lastEvent()).toEqual({
      name: 'client.deleted',
      subject: client.clientId,
      details: { name: 'Acme', scopes: ['api/read'] },
    })
    expect(reasonOf(await deleteClient(registry.change, rig.context(), client.clientId))).toBe('client.unknown')
  })

  test('a resource server’s own client is not deleted this way', async ({ rig }) => {
    const registry = registryOn(rig)
    await registry.addServer('api', ['read'])
    const { credential } = must(await addResourceServerCredential(registry.change, rig.maker, rig.context(), 'api'))
    const result = await deleteClient(registry.change, rig.context(), credential.clientId)
    expect(reasonOf(result)).toBe('client.is_resource_server')
    expect(await rig.store.clients.find(credential.clientId)).toBeDefined()
  })
})

import { describe, expect } from 'vitest'
import type { OpenBackend } from './backend.ts'
import { awkwardTexts } from './awkward-texts.ts'
import { rigTest } from './rig.ts'
import { asClientId, asMs, asScopes, sampleClient, sampleServer, write } from './sample-records.ts'

export function describeResourceServers(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)

  describe('resource servers', () => {
    test('every field comes back as it went in, servers and scopes in code-point order', async ({ rig }) => {
      const servers = ['b', 'a.b', 'B', 'a-b', 'a', '0'].map((name) =>
        sampleServer(name, ['z', 'Z', 'a', 'A', '9', 'a.b', 'a:b']),
      )
      const strict = sampleServer('strict', [], {
        exclusive: true,
        tokenTtlSeconds: 86_400,
        endpointRules: [
          { endpoint: 'POST /a/**', scopes: ['x', 'y'], allowedIp: true, certificate: false },
          { endpoint: '* /**', scopes: [], allowedIp: false, certificate: true },
        ],
        endpointRulesVersion: 7,
        createdAt: asMs(1),
        updatedAt: asMs(2),
        revision: 3,
      })
      await write(rig, async (tx) => {
        for (const server of [...servers, strict]) await tx.resourceServers.insert(server)
        expect(await tx.resourceServers.find('strict')).toStrictEqual(strict)
      })
      const all = await rig.store.resourceServers.all()
      expect(all.map(({ name }) => name)).toEqual(['0', 'B', 'a', 'a-b', 'a.b', 'b', 'strict'])
      expect(all[0]?.scopes.map(({ name }) => name)).toEqual(['9', 'A', 'Z', 'a', 'a.b', 'a:b', 'z'])
      expect(all.at(-1)).toStrictEqual(strict)
    })

    test('names, scopes and audiences that differ only by case are different', async ({ rig }) => {
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', ['read', 'Read'], { audience: 'urn:x:a' }))
        await tx.resourceServers.insert(sampleServer('API', ['READ'], { audience: 'urn:x:A' }))
        expect((await tx.resourceServers.find('API'))?.audience).toBe('urn:x:A')
        expect((await tx.resourceServers.findByAudience('urn:x:a'))?.name).toBe('api')
        expect(await tx.resourceServers.find('Api')).toBeUndefined()
        expect(await tx.resourceServers.findByAudience('URN:X:A')).toBeUndefined()
        expect(await tx.resourceServers.findByAudience('urn:x:a ')).toBeUndefined()
      })
    })

    test.for(awkwardTexts)('a description is kept octet for octet: %s', async ([, text], { rig }) => {
      const server = sampleServer('api', [], { scopes: [{ name: 'read', description: text }] })
      await write(rig, (tx) => tx.resourceServers.insert(server))
      expect(await rig.store.resourceServers.all()).toStrictEqual([server])
    })

    test('update replaces everything but name and creation time', async ({ rig }) => {
      const after = sampleServer('api', ['b', 'c'], {
        audience: 'urn:new',
        endpointRules: [{ endpoint: 'GET /', scopes: ['b'], allowedIp: false, certificate: false }],
        endpointRulesVersion: 2,
        exclusive: true,
        tokenTtlSeconds: 60,
        updatedAt: asMs(5),
        revision: 2,
      })
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', ['a', 'b'], { tokenTtlSeconds: 120 }))
        await tx.resourceServers.insert(sampleServer('bystander', ['a', 'b']))
        await tx.resourceServers.update({
          ...after,
          createdAt: asMs(1),
          scopes: [{ name: 'b', description: 'New' }, ...after.scopes.slice(1)],
        })
      })
      expect(await rig.store.resourceServers.all()).toStrictEqual([
        { ...after, scopes: [{ name: 'b', description: 'New' }, ...after.scopes.slice(1)] },
        sampleServer('bystander', ['a', 'b']),
      ])
      await write(rig, (tx) => tx.resourceServers.update({ ...after, scopes: [] }))
      expect((await rig.store.resourceServers.all())[0]?.scopes).toEqual([])
    })

    test('neither name nor audience can be had twice', async ({ rig }) => {
      await write(rig, (tx) => tx.resourceServers.insert(sampleServer('api', [])))
      const sameName = sampleServer('api', [], { audience: 'urn:other' })
      const sameAudience = sampleServer('other', [], { audience: sampleServer('api', []).audience })
      await expect(write(rig, (tx) => tx.resourceServers.insert(sameName))).rejects.toThrow()
      await expect(write(rig, (tx) => tx.resourceServers.insert(sameAudience))).rejects.toThrow()
      expect((await rig.store.resourceServers.all()).map(({ name }) => name)).toEqual(['api'])
    })

    test('a held scope cannot vanish, neither alone nor with its resource server', async ({ rig }) => {
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', ['held', 'free']))
        await tx.clients.insert(sampleClient('acme', { scopes: asScopes('api/held') }))
      })
      await expect(write(rig, (tx) => tx.resourceServers.update(sampleServer('api', ['free'])))).rejects.toThrow()
      await expect(write(rig, (tx) => tx.resourceServers.delete('api'))).rejects.toThrow()
      expect((await rig.store.resourceServers.all())[0]?.scopes).toHaveLength(2)
      expect((await rig.store.clients.find(asClientId('acme')))?.client.scopes).toEqual(['api/held'])
      await write(rig, (tx) => tx.resourceServers.update(sampleServer('api', ['held'])))
      await write(rig, async (tx) => {
        await tx.clients.delete(asClientId('acme'), rig.clock.now())
        await tx.resourceServers.delete('api')
      })
      expect(await rig.store.resourceServers.all()).toEqual([])
    })

    test('a client cannot hold what is not registered', async ({ rig }) => {
      await write(rig, (tx) => tx.resourceServers.insert(sampleServer('api', ['read'])))
      for (const scope of ['api/Read', 'api/write', 'other/read']) {
        const client = sampleClient('acme', { scopes: asScopes(scope) })
        await expect(
          write(rig, (tx) => tx.clients.insert(client)),
          scope,
        ).rejects.toThrow()
      }
      expect(await rig.store.clients.find(asClientId('acme'))).toBeUndefined()
    })

    test('the client that it introspects with is one, shows in it and goes with it', async ({ rig }) => {
      const own = sampleClient('of-api', { kind: 'resource-server', resourceServer: 'api' })
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', []))
        await tx.clients.insert(own)
        expect((await tx.resourceServers.find('api'))?.clientId).toBe('of-api')
      })
      await expect(write(rig, (tx) => tx.clients.insert({ ...own, clientId: asClientId('second') }))).rejects.toThrow()
      await write(rig, (tx) => tx.resourceServers.delete('api'))
      expect(await rig.store.clients.find(own.clientId)).toBeUndefined()
    })

    test(
      'more scopes than a statement has parameters, and one of them removed',
      { timeout: 60_000 },
      async ({ rig }) => {
        const names = Array.from({ length: 66_000 }, (_, i) => `s${String(i).padStart(5, '0')}`)
        await write(rig, (tx) => tx.resourceServers.insert(sampleServer('api', names)))
        await write(rig, (tx) => tx.resourceServers.update(sampleServer('api', names.slice(1))))
        expect((await rig.store.resourceServers.all())[0]?.scopes.map(({ name }) => name)).toEqual(names.slice(1))
      },
    )

    test('a thousand of them', async ({ rig }) => {
      const names = Array.from({ length: 1000 }, (_, i) => `api${String(i).padStart(4, '0')}`)
      await write(rig, async (tx) => {
        for (const name of names) await tx.resourceServers.insert(sampleServer(name, ['read']))
        await tx.clients.insert(sampleClient('acme', { scopes: asScopes(...names.map((name) => `${name}/read`)) }))
      })
      expect((await rig.store.resourceServers.all()).map(({ name }) => name)).toEqual(names)
      const record = await rig.store.clients.find(asClientId('acme'))
      expect(record?.resourceServers.map(({ name }) => name)).toEqual(names)
    })
  })
}

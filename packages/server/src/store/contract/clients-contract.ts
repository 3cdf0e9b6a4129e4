import { describe, expect } from 'vitest'
import type { Credential, CredentialId, Generation } from '../../clients/credential.ts'
import type { ClientFilter } from '../../clients/ports.ts'
import { startMs } from '../../kernel/fixed-surroundings.test.support.ts'
import { UnreadableCursor } from '../../kernel/unreadable-cursor.ts'
import { UnstorableText } from '../sql/storable.ts'
import type { OpenBackend } from './backend.ts'
import { rigTest, type Rig } from './rig.ts'
import {
  asClientId,
  asMs,
  asScopes,
  sampleClient,
  sampleCredential,
  samplePolicy,
  sampleServer,
  write,
} from './sample-records.ts'
import { awkwardTexts } from './awkward-texts.ts'

export function describeClients(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)

  describe('clients and credentials', () => {
    test('every field comes back as it went in', async ({ rig }) => {
      const client = sampleClient('acme', {
        name: 'Acme',
        state: 'disabled',
        scopes: asScopes('api/read', 'api/write', 'other/read'),
        network: samplePolicy('acme'),
        tokenTtlSeconds: 86_400,
        createdAt: asMs(1),
        updatedAt: asMs(startMs + 7),
        revision: 42,
      })
      const full = sampleCredential('acme', 'full', {
        name: 'first',
        generation: 9_007_199_254_740_000 as Generation,
        parentId: 'gone' as CredentialId,
        createdAt: asMs(2),
        expiresAt: asMs(253_402_300_799_999),
        revokedAt: asMs(3),
        lastUsedAt: asMs(4),
      })
      const bare = sampleCredential('acme', 'bare', { kind: 'local', digest: undefined, digestKeyId: undefined })
      const other = sampleServer('other', ['read'])
      const api = sampleServer('api', ['write', 'read'], { exclusive: true, tokenTtlSeconds: 60 })
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(other)
        await tx.resourceServers.insert(api)
        await tx.clients.insert(client)
        await tx.clients.insertCredential(bare)
        await tx.clients.insertCredential(full)
      })
      const record = await rig.store.clients.find(client.clientId)
      expect(record?.client).toStrictEqual(client)
      expect(record?.credentials).toStrictEqual([full, bare])
      expect(record?.resourceServers).toStrictEqual([{ ...api, scopes: api.scopes.toReversed() }, other])
      expect(await rig.store.clients.findCredential(full.id)).toStrictEqual(full)
    })

    test('ids and names that differ only by case are different', async ({ rig }) => {
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', ['read', 'Read']))
        await tx.clients.insert(sampleClient('acme', { name: 'Acme', scopes: asScopes('api/read') }))
        await tx.clients.insert(sampleClient('ACME', { name: 'ACME', scopes: asScopes('api/Read') }))
        await tx.clients.insertCredential(sampleCredential('acme', 'secret', { reference: 'ref' as never }))
        await tx.clients.insertCredential(sampleCredential('ACME', 'SECRET', { reference: 'REF' as never }))
        expect(await tx.clients.holders('api', 'read')).toEqual(['acme'])
        expect(await tx.clients.holders('api', 'Read')).toEqual(['ACME'])
        expect(await tx.clients.holders('API')).toEqual([])
      })
      const { clients } = rig.store
      expect((await clients.find(asClientId('acme')))?.client.name).toBe('Acme')
      expect((await clients.find(asClientId('ACME')))?.client.scopes).toEqual(['api/Read'])
      expect(await clients.find(asClientId('Acme'))).toBeUndefined()
      expect((await clients.findCredential('SECRET' as CredentialId))?.clientId).toBe('ACME')
      expect(await clients.findCredential('Secret' as CredentialId)).toBeUndefined()
    })

    test.for(awkwardTexts)('a name is kept octet for octet: %s', async ([, text], { rig }) => {
      await write(rig, async (tx) => {
        await tx.clients.insert(sampleClient('acme', { name: text }))
        await tx.clients.insertCredential(sampleCredential('acme', 'secret', { name: text }))
      })
      const record = await rig.store.clients.find(asClientId('acme'))
      expect(record?.client.name).toBe(text)
      expect(record?.credentials[0]?.name).toBe(text)
    })

    test.for(['before\0after', '\0', 'before\ud800after', '\udc00', '\udc00\ud800'])(
      'what databases would cut or change is refused: %j',
      async (text, { rig }) => {
        await expect(write(rig, (tx) => tx.clients.insert(sampleClient('acme', { name: text })))).rejects.toThrow(
          UnstorableText,
        )
        await expect(rig.store.clients.find(asClientId(text))).rejects.toThrow(UnstorableText)
        expect((await rig.store.clients.list({ limit: 10 })).items).toEqual([])
      },
    )

    test('nothing but what is another client’s own is found with it', async ({ rig }) => {
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', ['read']))
        await tx.clients.insert(sampleClient('one', { scopes: asScopes('api/read') }))
        await tx.clients.insert(sampleClient('two'))
        await tx.clients.insertCredential(sampleCredential('one', 'of-one'))
        await tx.clients.insertCredential(sampleCredential('two', 'of-two'))
        expect((await tx.clients.find(asClientId('two')))?.credentials.map(({ id }) => id)).toEqual(['of-two'])
      })
      const two = await rig.store.clients.find(asClientId('two'))
      expect(two?.credentials.map(({ id }) => id)).toEqual(['of-two'])
      expect(two?.client.scopes).toEqual([])
      expect(two?.resourceServers).toEqual([])
    })

    test('update replaces everything but id, kind and creation time', async ({ rig }) => {
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', ['a', 'b', 'c']))
        await tx.clients.insert(sampleClient('acme', { scopes: asScopes('api/a', 'api/b'), tokenTtlSeconds: 60 }))
        await tx.clients.insert(sampleClient('bystander', { scopes: asScopes('api/a') }))
        await tx.clients.update(
          sampleClient('acme', {
            name: 'New',
            kind: 'resource-server',
            state: 'disabled',
            scopes: asScopes('api/b', 'api/c'),
            createdAt: asMs(1),
            updatedAt: asMs(startMs + 1),
            revision: 2,
          }),
        )
      })
      expect((await rig.store.clients.find(asClientId('acme')))?.client).toStrictEqual(
        sampleClient('acme', {
          name: 'New',
          state: 'disabled',
          scopes: asScopes('api/b', 'api/c'),
          updatedAt: asMs(startMs + 1),
          revision: 2,
        }),
      )
      expect((await rig.store.clients.find(asClientId('bystander')))?.client.scopes).toEqual(['api/a'])
    })

    test('updateCredential replaces generation, revocation and expiry, and nothing else', async ({ rig }) => {
      const before = sampleCredential('acme', 'secret', { expiresAt: asMs(5), lastUsedAt: asMs(6) })
      const after: Partial<Credential> = { generation: 7 as Generation, expiresAt: undefined, revokedAt: asMs(8) }
      await write(rig, async (tx) => {
        await tx.clients.insert(sampleClient('acme'))
        await tx.clients.insertCredential(before)
        await tx.clients.insertCredential(sampleCredential('acme', 'bystander'))
        await tx.clients.updateCredential({
          ...before,
          ...after,
          name: 'other',
          digest: 'other',
          digestKeyId: 'other',
          parentId: before.id,
          createdAt: asMs(1),
          lastUsedAt: undefined,
        })
      })
      expect(await rig.store.clients.findCredential(before.id)).toStrictEqual({ ...before, ...after })
      expect((await rig.store.clients.findCredential('bystander' as CredentialId))?.revokedAt).toBeUndefined()
    })

    test('a deleted client takes its scopes and credentials with it', async ({ rig }) => {
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', ['read']))
        await tx.clients.insert(sampleClient('acme', { scopes: asScopes('api/read') }))
        await tx.clients.insert(sampleClient('bystander', { scopes: asScopes('api/read') }))
        await tx.clients.insertCredential(sampleCredential('acme', 'secret'))
        await tx.clients.delete(asClientId('acme'), rig.clock.now())
        expect(await tx.clients.holders('api')).toEqual(['bystander'])
        await tx.clients.delete(asClientId('unknown'), rig.clock.now())
      })
      expect(await rig.store.clients.find(asClientId('acme'))).toBeUndefined()
      expect(await rig.store.clients.findCredential('secret' as CredentialId)).toBeUndefined()
      await write(rig, (tx) => tx.clients.insert(sampleClient('acme')))
      const again = await rig.store.clients.find(asClientId('acme'))
      expect(again?.client.scopes).toEqual([])
      expect(again?.credentials).toEqual([])
    })

    test('ids and references are unique, and a credential needs its client', async ({ rig }) => {
      await write(rig, async (tx) => {
        await tx.clients.insert(sampleClient('acme'))
        await tx.clients.insertCredential(sampleCredential('acme', 'secret'))
      })
      await expect(write(rig, (tx) => tx.clients.insert(sampleClient('acme')))).rejects.toThrow()
      await expect(
        write(rig, (tx) =>
          tx.clients.insertCredential(sampleCredential('acme', 'secret', { reference: 'r' as never })),
        ),
      ).rejects.toThrow()
      const sameReference = { reference: 'reference-of-secret' as never }
      await expect(
        write(rig, (tx) => tx.clients.insertCredential(sampleCredential('acme', 'second', sameReference))),
      ).rejects.toThrow()
      await expect(
        write(rig, (tx) => tx.clients.insertCredential(sampleCredential('nobody', 'third'))),
      ).rejects.toThrow()
    })

    test('holders are each named once, in code-point order, and matched exactly', async ({ rig }) => {
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', ['a_b', 'axb', 'c']))
        await tx.resourceServers.insert(sampleServer('api.b', ['c']))
        for (const id of ['b', 'B', 'a', '9', '-', 'Z']) {
          await tx.clients.insert(sampleClient(id, { scopes: asScopes('api/a_b', 'api/c') }))
        }
        await tx.clients.insert(sampleClient('other', { scopes: asScopes('api.b/c', 'api/axb') }))
        expect(await tx.clients.holders('api')).toEqual(['-', '9', 'B', 'Z', 'a', 'b', 'other'])
        expect(await tx.clients.holders('api', 'a_b')).toEqual(['-', '9', 'B', 'Z', 'a', 'b'])
        expect(await tx.clients.holders('api.b')).toEqual(['other'])
        expect(await tx.clients.holders('api', 'a%')).toEqual([])
      })
    })

    test('thousands of scopes of one client, and their removal', async ({ rig }) => {
      const names = Array.from({ length: 12_000 }, (_, i) => `s${String(i).padStart(5, '0')}`)
      const scopes = names.map((name) => `api/${name}`)
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', names))
        await tx.clients.insert(sampleClient('acme', { scopes: asScopes(...scopes) }))
      })
      const record = await rig.store.clients.find(asClientId('acme'))
      expect(record?.client.scopes).toEqual(scopes)
      expect(record?.resourceServers[0]?.scopes.map(({ name }) => name)).toEqual(names)
      await write(rig, async (tx) => {
        await tx.clients.update(sampleClient('acme', { scopes: asScopes(...scopes.slice(1)) }))
        await tx.resourceServers.update(sampleServer('api', names.slice(1)))
      })
      expect((await rig.store.clients.find(asClientId('acme')))?.client.scopes).toHaveLength(11_999)
    })
  })

  describe('lists of clients', () => {
    async function idsOfAllPages(rig: Rig, limit: number): Promise<string[][]> {
      const pages: string[][] = []
      let cursor: string | undefined
      do {
        const page = await rig.store.clients.list({ limit, cursor })
        pages.push(page.items.map(({ clientId }) => clientId))
        cursor = page.nextCursor
      } while (cursor !== undefined)
      return pages
    }

    test('oldest first, ids of the same millisecond in code-point order', async ({ rig }) => {
      await write(rig, async (tx) => {
        for (const id of ['b', 'Ab', 'aB', 'B', 'a', '-', '0', 'AB', 'ab']) await tx.clients.insert(sampleClient(id))
        await tx.clients.insert(sampleClient('z', { createdAt: asMs(startMs - 1) }))
        await tx.clients.insert(sampleClient('A', { createdAt: asMs(startMs + 1) }))
      })
      const expected = ['z', '-', '0', 'AB', 'Ab', 'B', 'a', 'aB', 'ab', 'b', 'A']
      for (const limit of [1, 2, 3, 5, 10, 11, 12]) {
        const pages = await idsOfAllPages(rig, limit)
        expect(pages.flat()).toEqual(expected)
        expect(pages).toHaveLength(Math.ceil(expected.length / limit))
      }
    })

    test('ids of other scripts in code-point order too, not in that of any language', async ({ rig }) => {
      const ordered = ['Z', 'e', 'e\u0301', 'f', 'z', '\u00e9', '\u0130', '\u0131', '\u05d0', '\uff5a', '\u{1d518}']
      await write(rig, async (tx) => {
        for (const id of ordered.toReversed()) await tx.clients.insert(sampleClient(id))
      })
      expect((await idsOfAllPages(rig, 1)).flat()).toEqual(ordered)
      for (const id of ordered) expect((await rig.store.clients.find(asClientId(id)))?.client.clientId).toBe(id)
      expect(await rig.store.clients.find(asClientId('e\u0301'.normalize('NFD').toUpperCase()))).toBeUndefined()
    })

    test('partners’ clients only', async ({ rig }) => {
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', ['read']))
        await tx.clients.insert(sampleClient('acme', { scopes: asScopes('api/read') }))
        await tx.clients.insert(sampleClient('of-api', { kind: 'resource-server', resourceServer: 'api' }))
      })
      const { items, nextCursor } = await rig.store.clients.list({ limit: 1 })
      expect(items).toStrictEqual([sampleClient('acme', { scopes: asScopes('api/read') })])
      expect(nextCursor).toBeUndefined()
      expect((await rig.store.clients.find(asClientId('of-api')))?.client.resourceServer).toBe('api')
    })

    test('by state and by scope, in exactly these letters, page by page', async ({ rig }) => {
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', ['read', 'Read', 'read.all']))
        for (const id of ['a', 'b', 'c']) {
          await tx.clients.insert(sampleClient(id, { scopes: asScopes('api/read', 'api/read.all') }))
        }
        await tx.clients.insert(sampleClient('d', { scopes: asScopes('api/Read') }))
        await tx.clients.insert(sampleClient('e', { scopes: asScopes('api/read'), state: 'disabled' }))
      })
      const list = async (filter: ClientFilter, cursor?: string) => {
        const page = await rig.store.clients.list({ limit: 2, cursor, ...filter })
        return [page.items.map(({ clientId }) => clientId), page.nextCursor] as const
      }
      const [read] = asScopes('api/read')
      const [first, cursor] = await list({ scope: read, state: 'enabled' })
      expect([first, await list({ scope: read, state: 'enabled' }, cursor)]).toEqual([
        ['a', 'b'],
        [['c'], undefined],
      ])
      expect(await list({ scope: read, state: 'disabled' })).toEqual([['e'], undefined])
      expect(await list({ scope: asScopes('api/Read')[0] })).toEqual([['d'], undefined])
      for (const none of ['api/rea', 'api/read.', 'ap/read', 'api/READ', 'api/%']) {
        expect(await list({ scope: asScopes(none)[0] })).toEqual([[], undefined])
      }
    })

    test('pages stay true while rows come and go between them', async ({ rig }) => {
      await write(rig, async (tx) => {
        for (const id of ['b', 'd', 'f', 'h']) await tx.clients.insert(sampleClient(id))
      })
      const first = await rig.store.clients.list({ limit: 2 })
      await write(rig, async (tx) => {
        // Before, at and after the cursor, all of the same millisecond; and the row that the cursor names goes.
        for (const id of ['a', 'c', 'e']) await tx.clients.insert(sampleClient(id))
        await tx.clients.insert(sampleClient('z', { createdAt: asMs(startMs + 1) }))
        await tx.clients.delete(asClientId('d'), rig.clock.now())
      })
      const second = await rig.store.clients.list({ limit: 2, cursor: first.nextCursor })
      const third = await rig.store.clients.list({ limit: 2, cursor: second.nextCursor })
      expect([first, second, third].map(({ items }) => items.map(({ clientId }) => clientId))).toEqual([
        ['b', 'd'],
        ['e', 'f'],
        ['h', 'z'],
      ])
      expect(third.nextCursor).toBeUndefined()
    })

    test.for(['', 'no cursor', 'bnVsbA', 'W10', 'WyIxIiwyXQ'])(
      'a cursor that is none is refused: %j',
      async (cursor, { rig }) => {
        await write(rig, (tx) => tx.clients.insert(sampleClient('acme')))
        await expect(rig.store.clients.list({ limit: 10, cursor })).rejects.toThrow(UnreadableCursor)
      },
    )

    test('a cursor that was made up only chooses where to go on', async ({ rig }) => {
      await write(rig, (tx) => tx.clients.insert(sampleClient('acme')))
      const cursor = Buffer.from(JSON.stringify([1, `' OR 1=1 --`])).toString('base64url')
      const { items } = await rig.store.clients.list({ limit: 10, cursor })
      expect(items.map(({ clientId }) => clientId)).toEqual(['acme'])
    })

    test('a full page of a thousand', async ({ rig }) => {
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', ['read']))
        for (let i = 0; i < 1001; i++) {
          await tx.clients.insert(sampleClient(`c${String(i).padStart(4, '0')}`, { scopes: asScopes('api/read') }))
        }
      })
      const page = await rig.store.clients.list({ limit: 1000 })
      expect(page.items).toHaveLength(1000)
      expect(page.items.every(({ scopes }) => scopes.length === 1)).toBe(true)
      const last = await rig.store.clients.list({ limit: 1000, cursor: page.nextCursor })
      expect(last.items.map(({ clientId }) => clientId)).toEqual(['c1000'])
    })
  })

  describe('last uses', () => {
    test('move forward, never back; unknown ids are passed over', async ({ rig }) => {
      const [one, two, never] = ['one', 'two', 'never'] as CredentialId[] as [CredentialId, CredentialId, CredentialId]
      await write(rig, async (tx) => {
        await tx.clients.insert(sampleClient('acme'))
        for (const id of [one, two, never]) await tx.clients.insertCredential(sampleCredential('acme', id))
      })
      const { credentialUses, clients } = rig.store
      const lastUsed = async (id: CredentialId) => (await clients.findCredential(id))?.lastUsedAt
      await credentialUses.recordUses([])
      await credentialUses.recordUses([
        { id: one, at: asMs(1000) },
        { id: 'unknown' as CredentialId, at: asMs(1000) },
        { id: two, at: asMs(2000) },
      ])
      expect([await lastUsed(one), await lastUsed(two), await lastUsed(never)]).toEqual([1000, 2000, undefined])
      await credentialUses.recordUses([
        { id: one, at: asMs(999) },
        { id: two, at: asMs(2001) },
        { id: two, at: asMs(1) },
      ])
      expect([await lastUsed(one), await lastUsed(two)]).toEqual([1000, 2001])
    })

    test('a thousand in one batch, beside a change of the same credential', async ({ rig }) => {
      const ids = Array.from({ length: 1000 }, (_, i) => `secret${i}` as CredentialId)
      await write(rig, async (tx) => {
        await tx.clients.insert(sampleClient('acme'))
        for (const id of ids) await tx.clients.insertCredential(sampleCredential('acme', id))
      })
      const revoked = sampleCredential('acme', 'secret0', { revokedAt: asMs(5) })
      await Promise.all([
        rig.store.credentialUses.recordUses(ids.map((id) => ({ id, at: asMs(startMs + 1) }))),
        write(rig, (tx) => tx.clients.updateCredential(revoked)),
      ])
      const record = await rig.store.clients.find(asClientId('acme'))
      expect(record?.credentials.every(({ lastUsedAt }) => lastUsedAt === startMs + 1)).toBe(true)
      expect((await rig.store.clients.findCredential(revoked.id))?.revokedAt).toBe(5)
    })
  })
}

import { describe, expect } from 'vitest'
import { emptyChain, chainRow } from '../../audit/row-chain.ts'
import { createClient } from '../../clients/create-client.ts'
import { updateClient } from '../../clients/update-client.ts'
import { Fault } from '../../kernel/faults.ts'
import { createResourceServer } from '../../resource-servers/create-resource-server.ts'
import type { ChangeNotice } from '../sql/touched.ts'
import type { OpenBackend, OpenedStore } from './backend.ts'
import { awkwardTexts } from './awkward-texts.ts'
import { rigTest, type Rig } from './rig.ts'
import {
  asClientId,
  asScopes,
  asMs,
  revocationSequences,
  sampleClient,
  sampleCredential,
  sampleEvent,
  sampleServer,
  write,
} from './sample-records.ts'

export function describeChanges(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)
  const acme = asClientId('acme')

  describe('changes', () => {
    test('commit everything, then announce exactly what was touched', async ({ rig }) => {
      const seen: unknown[] = []
      const observer = rig.store
      const { change } = await rig.open({
        announce: async (notice) => {
          seen.push(notice, (await observer.clients.find(acme))?.client.name, await rowCount(observer))
        },
      })
      const answer = await change(rig.context(), async (tx) => {
        await tx.clients.insert(sampleClient('acme', { name: 'Acme' }))
        await tx.clients.insertCredential(sampleCredential('acme', 'secret'))
        await tx.clients.insert(sampleClient('other'))
        expect(seen).toEqual([])
        return { ok: true, value: 7, event: sampleEvent }
      })
      expect(answer).toEqual({ ok: true, value: 7 })
      const notice: ChangeNotice = {
        clients: [acme, asClientId('other')],
        catalogue: false,
        keys: false,
        revocations: false,
      }
      expect(seen).toEqual([notice, 'Acme', 1])
    })

    test.for([
      ['insert', true],
      ['update', true],
      ['delete', true],
      ['find', false],
    ] as const)('%s of a resource server announces the catalogue: %s', async ([operation, announced], { rig }) => {
      await write(rig, (tx) => tx.resourceServers.insert(sampleServer('api', [])))
      const other = sampleServer('other', [])
      await write(rig, async ({ resourceServers }) => {
        if (operation === 'insert') await resourceServers.insert(other)
        if (operation === 'update') await resourceServers.update(sampleServer('api', ['read']))
        if (operation === 'delete') await resourceServers.delete('api')
        if (operation === 'find') await resourceServers.find('api')
      })
      expect(rig.notices.at(-1)).toEqual({ clients: [], catalogue: announced, keys: false, revocations: false })
    })

    test.for(['insert', 'update', 'delete', 'insertCredential', 'updateCredential'] as const)(
      '%s announces the client',
      async (operation, { rig }) => {
        await write(rig, async (tx) => {
          await tx.clients.insert(sampleClient('acme'))
          await tx.clients.insertCredential(sampleCredential('acme', 'old'))
        })
        await write(rig, async ({ clients }) => {
          if (operation === 'insert') await clients.insert(sampleClient('new'))
          if (operation === 'update') await clients.update(sampleClient('acme'))
          if (operation === 'delete') await clients.delete(acme, rig.clock.now())
          if (operation === 'insertCredential') await clients.insertCredential(sampleCredential('acme', 'new'))
          if (operation === 'updateCredential') await clients.updateCredential(sampleCredential('acme', 'old'))
        })
        expect(rig.notices.at(-1)).toEqual({
          clients: [operation === 'insert' ? 'new' : 'acme'],
          catalogue: false,
          keys: false,
          revocations: false,
        })
      },
    )

    test('reads inside see the change’s own writes, reads outside do not', async ({ rig }) => {
      const outside = await rig.open()
      await write(rig, async (tx) => {
        await tx.clients.insert(sampleClient('acme'))
        expect((await tx.clients.find(acme))?.client.name).toBe('Sample')
        expect(await outside.clients.find(acme)).toBeUndefined()
        expect((await outside.clients.list({ limit: 10 })).items).toEqual([])
        expect(await outside.auditLogs.rows(0, 10)).toEqual([])
      })
      expect((await outside.clients.find(acme))?.client.name).toBe('Sample')
    })

    test.for(['refusal', 'exception', 'rejection', 'failed statement', 'failed sealing'] as const)(
      'a %s leaves nothing: no row, no audit row, no announcement',
      async (ending, { rig }) => {
        await write(rig, async (tx) => {
          await tx.resourceServers.insert(sampleServer('api', ['read']))
          await tx.clients.insert(sampleClient('acme', { name: 'Before', scopes: asScopes('api/read') }))
          await tx.clients.insertCredential(sampleCredential('acme', 'secret'))
        })
        const noticesBefore = rig.notices.length
        const before = await everything(rig.store)
        const failing = await rig.open({
          sealer: {
            keyId: () => 'key',
            chain: () => {
              throw new Error('no such key')
            },
          },
        })
        const { change } = ending === 'failed sealing' ? failing : rig.store
        const attempt = change(rig.context(), async (tx) => {
          await tx.resourceServers.insert(sampleServer('new', ['read']))
          await tx.clients.update(sampleClient('acme', { name: 'After' }))
          await tx.clients.updateCredential(sampleCredential('acme', 'secret', { revokedAt: rig.clock.now() }))
          await tx.clients.insert(sampleClient('new'))
          await tx.revocations.append(
            { kind: 'jti', subject: 'j', minimum: 0, expiresAt: rig.clock.now() },
            rig.clock.now(),
          )
          if (ending === 'refusal') return { ok: false, refusal: 'no' }
          if (ending === 'exception') throw new Error('thrown')
          if (ending === 'rejection') await Promise.reject(new Error('rejected'))
          if (ending === 'failed statement') await tx.clients.insert(sampleClient('acme'))
          return { ok: true, value: undefined, event: sampleEvent }
        })
        if (ending === 'refusal') expect(await attempt).toEqual({ ok: false, refusal: 'no' })
        else await expect(attempt).rejects.toThrow()
        expect(await everything(rig.store)).toStrictEqual(before)
        expect(rig.notices).toHaveLength(noticesBefore)
        await write(rig, (tx) => tx.clients.insert(sampleClient('next')))
        expect((await rig.store.auditLogs.rows(0, 10)).map(({ sequence }) => sequence)).toEqual([1, 2])
      },
    )

    test('what was committed is there after the database was closed and opened', async ({ rig }) => {
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', ['read']))
        await tx.clients.insert(sampleClient('acme', { scopes: asScopes('api/read') }))
        await tx.clients.insertCredential(sampleCredential('acme', 'secret'))
        await tx.revocations.append(
          { kind: 'jti', subject: 'j', minimum: 0, expiresAt: rig.clock.now() },
          rig.clock.now(),
        )
      })
      const before = await everything(rig.store)
      expect(before.clients).toHaveLength(1)
      await rig.closeAll()
      expect(await everything(await rig.open())).toStrictEqual(before)
    })
  })

  describe('races', () => {
    /** Runs attempts at once, each on one of the handles; a Fault means that nothing was done, anything else thrown fails the test. */
    async function race<T>(
      rig: Rig,
      handles: number,
      attempts: number,
      attempt: (store: OpenedStore, n: number) => Promise<T>,
    ): Promise<T[]> {
      const stores = [rig.store]
      while (stores.length < handles) stores.push(await rig.open())
      const outcomes = await Promise.allSettled(
        Array.from({ length: attempts }, (_, n) => attempt(stores[n % handles] ?? rig.store, n)),
      )
      return outcomes.flatMap((outcome) => {
        if (outcome.status === 'fulfilled') return [outcome.value]
        expect(outcome.reason).toBeInstanceOf(Fault)
        expect((outcome.reason as Fault).code).toBe('store.unavailable')
        return []
      })
    }

    test.for([
      [1, 20],
      [2, 4],
    ] as const)('no update of a client is lost: %d handle(s)', async ([handles, attempts], { rig }) => {
      const scopes = Array.from({ length: attempts }, (_, n) => `s${n}`)
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', scopes))
        await tx.clients.insert(sampleClient('acme'))
        await tx.clients.insertCredential(sampleCredential('acme', 'local', { kind: 'local' }))
      })
      const made = await race(rig, handles, attempts, async ({ change }, n) => {
        const result = await updateClient(change, rig.context(), acme, { addScopes: asScopes(`api/s${n}`) })
        if (!result.ok) throw new Error(result.refusal.message)
        return `api/s${n}`
      })
      if (handles === 1) expect(made).toHaveLength(attempts)
      expect(made.length).toBeGreaterThan(0)
      const client = (await rig.store.clients.find(acme))?.client
      expect(client?.scopes).toEqual(made.toSorted())
      expect(client?.revision).toBe(1 + made.length)
      expect(await rowCount(rig.store)).toBe(1 + made.length)
    })

    test.for([
      [1, 'name'],
      [2, 'name'],
      [1, 'audience'],
      [2, 'audience'],
    ] as const)(
      'of two resource servers with one name or audience exactly one is made: %d handle(s), same %s',
      async ([handles, same], { rig }) => {
        const answers = await race(rig, handles, 2, ({ change }, n) =>
          createResourceServer(change, rig.context(), {
            name: same === 'name' ? 'api' : `api${n}`,
            audience: same === 'audience' ? 'urn:api' : `urn:api${n}`,
            scopes: [{ name: `scope${n}`, description: '' }],
            exclusive: false,
          }),
        )
        const [winner, ...more] = answers.flatMap((answer) => (answer.ok ? [answer.value] : []))
        expect(more).toEqual([])
        for (const answer of answers)
          if (!answer.ok) expect(answer.refusal.reason).toBe(`resource_server.${same}_taken`)
        if (handles === 1) expect(answers).toHaveLength(2)
        expect(await rig.store.resourceServers.all()).toStrictEqual([winner])
        expect(await rowCount(rig.store)).toBe(1)
      },
    )

    test('no update is lost when four handles write the same client at once', async ({ rig }) => {
      const scopes = Array.from({ length: 40 }, (_, n) => `s${String(n).padStart(2, '0')}`)
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', scopes))
        await tx.clients.insert(sampleClient('acme'))
        await tx.clients.insertCredential(sampleCredential('acme', 'local', { kind: 'local' }))
      })
      const stores = await rig.writers(4)
      await Promise.all(
        stores.map(async (store, s) => {
          for (let n = s; n < scopes.length; n += stores.length) {
            const addScopes = asScopes(`api/${scopes[n]}`)
            await updateClient(store.change, rig.context(), acme, { addScopes })
          }
        }),
      )
      const client = (await rig.store.clients.find(acme))?.client
      expect(client?.scopes).toEqual(scopes.map((scope) => `api/${scope}`))
      expect(client?.revision).toBe(41)
      const rows = await rig.store.auditLogs.rows(0, 1000)
      expect(rows).toHaveLength(41)
      expectChain(rig, rows)
    })

    test('a reader sees all of a change or nothing of it', async ({ rig }) => {
      const reader = await rig.open()
      const at = (n: number) => ({ createdAt: asMs(1), updatedAt: asMs(n), revision: n })
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', ['read'], at(0)))
        await tx.clients.insert(sampleClient('acme', { scopes: asScopes('api/read'), ...at(0) }))
        await tx.clients.insertCredential(sampleCredential('acme', 'secret', { generation: 0 as never }))
      })
      const progress = { isOver: false }
      const writing = (async () => {
        for (let n = 1; n <= 60; n++) {
          await write(rig, async (tx) => {
            await tx.clients.update(sampleClient('acme', { scopes: asScopes('api/read'), ...at(n) }))
            await tx.clients.updateCredential(sampleCredential('acme', 'secret', { generation: n as never }))
            await tx.resourceServers.update(sampleServer('api', ['read'], at(n)))
          })
          await new Promise((resolve) => setImmediate(resolve))
        }
      })().finally(() => {
        progress.isOver = true
      })
      const seen = new Set<number>()
      while (!progress.isOver) {
        const record = await reader.clients.find(acme)
        const parts = [record?.client, record?.resourceServers[0]].map((part) => part?.revision)
        expect(parts).toEqual([record?.credentials[0]?.generation, record?.credentials[0]?.generation])
        seen.add(parts[0] ?? -1)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await writing
      expect(seen.size).toBeGreaterThan(1)
    })

    test('a scope that is being removed is not granted meanwhile', async ({ rig }) => {
      await write(rig, (tx) => tx.resourceServers.insert(sampleServer('api', ['keep', 'gone'])))
      const [removal, grant] = await Promise.allSettled([
        write(rig, (tx) => tx.resourceServers.update(sampleServer('api', ['keep']))),
        createClient(rig.store.change, rig.maker, rig.context(), { name: 'A', scopes: asScopes('api/gone') }),
      ])
      const scopes = (await rig.store.resourceServers.all())[0]?.scopes.map(({ name }) => name)
      const { items } = await rig.store.clients.list({ limit: 10 })
      const wasGranted = grant.status === 'fulfilled' && grant.value.ok
      expect(removal.status === 'fulfilled').toBe(!wasGranted)
      expect(items.map((client) => client.scopes)).toEqual(wasGranted ? [['api/gone']] : [])
      expect(scopes).toEqual(wasGranted ? ['gone', 'keep'] : ['keep'])
    })
  })

  describe('audit rows', () => {
    test.for([
      [1, 30],
      [2, 4],
    ] as const)('gapless and chained, however changes meet: %d handle(s)', async ([handles, attempts], { rig }) => {
      const stores = handles === 1 ? [rig.store] : [rig.store, await rig.open()]
      const outcomes = await Promise.allSettled(
        Array.from({ length: attempts }, (_, n) =>
          (stores[n % handles] ?? rig.store).change(rig.context(), async (tx) => {
            await tx.clients.insert(sampleClient(`c${n}`))
            if (n % 3 === 2) return { ok: false, refusal: undefined }
            return {
              ok: true,
              value: n,
              event: { name: 'client.created', subject: `c${n}`, details: { n, text: 'ü', none: undefined } },
            }
          }),
        ),
      )
      const made = outcomes.flatMap((outcome) =>
        outcome.status === 'fulfilled' && outcome.value.ok ? [outcome.value.value] : [],
      )
      if (handles === 1) expect(made).toHaveLength(20)
      const rows = await rig.store.auditLogs.rows(0, 1000)
      expect(rows.map(({ sequence }) => sequence)).toEqual(made.map((_, i) => i + 1))
      expect(rows.map(({ details }) => details['n']).toSorted((a, b) => Number(a) - Number(b))).toEqual(made)
      expectChain(rig, rows)
    })

    test('say who, when, in which request and what', async ({ rig }) => {
      const event = {
        name: 'client.disabled',
        subject: 'acme',
        details: { scopes: ['a', 'b'], n: 1.5, none: null },
      } as const
      rig.clock.set(1234)
      await rig.store.change({ actor: 'admin', requestId: 'r1', now: rig.clock.now() }, () =>
        Promise.resolve({ ok: true, value: undefined, event }),
      )
      const [row] = await rig.store.auditLogs.rows(0, 1)
      const keyId = rig.dataKeys.current('audit-mac')
      expect(row).toStrictEqual({
        sequence: 1,
        at: 1234,
        actor: 'admin',
        requestId: 'r1',
        ...event,
        keyId,
        mac: row?.mac,
      })
      expect(row?.mac).toMatch(/^[\w-]{43}$/)
    })

    test.for(awkwardTexts)('the chain holds for every text: %s', async ([, text], { rig }) => {
      for (let i = 0; i < 2; i++) {
        await rig.store.change({ actor: text, requestId: text, now: rig.clock.now() }, () =>
          Promise.resolve({
            ok: true,
            value: i,
            event: { ...sampleEvent, subject: text, details: { [text]: text, 2: 'b', 1: 'a' } },
          }),
        )
      }
      const rows = await rig.store.auditLogs.rows(0, 10)
      expect(rows.map(({ subject, details }) => [subject, details[text]])).toEqual([
        [text, text],
        [text, text],
      ])
      expectChain(rig, rows)
    })
  })
}

function expectChain(rig: Rig, rows: Awaited<ReturnType<OpenedStore['auditLogs']['rows']>>): void {
  let previous = emptyChain
  for (const row of rows) {
    expect(chainRow(rig.dataKeys, previous, row), `row ${row.sequence}`).toBe(row.mac)
    previous = row.mac
  }
}

async function rowCount(store: OpenedStore): Promise<number> {
  return (await store.auditLogs.rows(0, 1000)).length
}

async function everything(store: OpenedStore) {
  const { items } = await store.clients.list({ limit: 1000 })
  return {
    clients: await Promise.all(items.map(({ clientId }) => store.clients.find(clientId))),
    resourceServers: await store.resourceServers.all(),
    revocations: await revocationSequences(store),
    rows: await store.auditLogs.rows(0, 1000),
  }
}

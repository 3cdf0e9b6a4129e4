import { describe, expect } from 'vitest'
import { chainRow, emptyChain } from '../../audit/row-chain.ts'
import { refuseChange } from '../../kernel/refusal.ts'
import type { OpenBackend } from './backend.ts'
import { rigTest } from './rig.ts'
import { asClientId, asMs, asScopes, sampleClient, sampleEvent, sampleServer, write } from './sample-records.ts'

/** What a change needs that is made of many: to see all that there is, and to leave a row for each part. */
export function describeLargerChanges(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)

  describe('larger changes', () => {
    test('see all partners’ clients and all resource servers, with their own writes, in code-point order', async ({
      rig,
    }) => {
      await write(rig, async (tx) => {
        for (const name of ['b', 'a']) await tx.resourceServers.insert(sampleServer(name, ['read']))
        await tx.clients.insert(sampleClient('c', { scopes: asScopes('a/read', 'b/read'), createdAt: asMs(1) }))
        await tx.clients.insert(sampleClient('api', { kind: 'resource-server', resourceServer: 'a' }))
        for (const id of ['b', 'B', 'a']) await tx.clients.insert(sampleClient(id))
      })
      await write(rig, async (tx) => {
        await tx.clients.delete(asClientId('b'), rig.clock.now())
        await tx.clients.update(sampleClient('a', { name: 'New' }))
        await tx.resourceServers.insert(sampleServer('B', []))
        const clients = await tx.clients.all()
        expect(clients.map(({ clientId, name }) => `${clientId} ${name}`)).toEqual(['B Sample', 'a New', 'c Sample'])
        expect(clients.at(-1)?.scopes).toEqual(['a/read', 'b/read'])
        expect((await tx.resourceServers.all()).map(({ name }) => name)).toEqual(['B', 'a', 'b'])
      })
    })

    test('see more clients than one page of a list holds', async ({ rig }) => {
      await write(rig, async (tx) => {
        for (let i = 0; i < 1001; i++) await tx.clients.insert(sampleClient(`c${i}`))
        expect(new Set((await tx.clients.all()).map(({ clientId }) => clientId)).size).toBe(1001)
      })
    })

    test.for([0, 1, 1001])(
      'leave a chained row for each of %i parts, then one for the whole',
      async (count, { rig }) => {
        await write(rig, () => Promise.resolve())
        const parts = Array.from({ length: count }, (_, i) => ({
          ...sampleEvent,
          subject: `part ${i}`,
          details: { i },
        }))
        const whole = { ...sampleEvent, subject: 'whole' }
        await rig.store.change(rig.context(), () =>
          Promise.resolve({ ok: true, value: undefined, parts, event: whole }),
        )
        const rows = await rig.store.auditLogs.rows(0, 2000)
        expect(rows.slice(1).map(({ subject }) => subject)).toEqual([...parts, whole].map(({ subject }) => subject))
        expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, i) => i + 1))
        expect(new Set(rows.slice(1).map(({ requestId }) => requestId)).size).toBe(1)
        let previous = emptyChain
        for (const row of rows) {
          expect(chainRow(rig.dataKeys, previous, row)).toBe(row.mac)
          previous = row.mac
        }
      },
    )

    test('that are refused leave no row of any part', async ({ rig }) => {
      const refused = await rig.store.change(rig.context(), async (tx) => {
        await tx.clients.insert(sampleClient('a'))
        return refuseChange('client.unknown', 'no')
      })
      expect(refused.ok).toBe(false)
      expect(await rig.store.auditLogs.rows(0, 10)).toEqual([])
    })
  })
}

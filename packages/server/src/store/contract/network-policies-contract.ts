import { describe, expect } from 'vitest'
import type { NetworkPolicyId } from '../../network-policy/network-policy.ts'
import type { OpenBackend } from './backend.ts'
import { rigTest } from './rig.ts'
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

export function describeNetworkPolicies(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)

  describe('network policies', () => {
    test('come with their client, one by one and in lists, and replace each other', async ({ rig }) => {
      const { clients } = rig.store
      const [free, bound] = [sampleClient('free'), sampleClient('bound', { network: samplePolicy('bound') })]
      await write(rig, async (tx) => {
        await tx.clients.insert(free)
        await tx.clients.insert(bound)
      })
      expect((await clients.list({ limit: 10 })).items).toStrictEqual([bound, free])
      const everywhere = { ...samplePolicy('bound', { mode: 'enforce', covers: undefined }), version: 2 }
      await write(rig, (tx) => tx.clients.update({ ...bound, network: everywhere }))
      expect((await clients.find(bound.clientId))?.client.network).toStrictEqual(everywhere)
      const lifted = { ...everywhere, version: 3, rules: undefined }
      await write(rig, async (tx) => {
        await tx.clients.update({ ...bound, network: lifted })
        await tx.clients.update({ ...free, network: samplePolicy('free') })
        expect((await tx.clients.find(bound.clientId))?.client.network).toStrictEqual(lifted)
        expect((await tx.clients.all()).map(({ network }) => network)).toStrictEqual([lifted, samplePolicy('free')])
      })
    })

    test('are found by their own name, with what their client is granted', async ({ rig }) => {
      const { networkPolicies } = rig.store
      const network = samplePolicy('acme')
      await write(rig, async (tx) => {
        await tx.resourceServers.insert(sampleServer('api', ['read', 'write']))
        await tx.clients.insert(sampleClient('acme', { network, scopes: asScopes('api/read', 'api/write') }))
        await tx.clients.insertCredential(sampleCredential('acme', 'secret'))
      })
      expect(await networkPolicies.find(network.id)).toStrictEqual({
        policy: network,
        scopes: ['api/read', 'api/write'],
      })
      for (const other of ['acme', 'Policy-of-acme', 'policy-of-acm%', '']) {
        expect(await networkPolicies.find(other as NetworkPolicyId)).toBeUndefined()
      }
      await write(rig, (tx) => tx.clients.delete(asClientId('acme'), asMs(1)))
      expect(await networkPolicies.find(network.id)).toBeUndefined()
    })

    test('two clients never share a name', async ({ rig }) => {
      await write(rig, (tx) => tx.clients.insert(sampleClient('one', { network: samplePolicy('one') })))
      await expect(
        write(rig, (tx) => tx.clients.insert(sampleClient('two', { network: samplePolicy('one') }))),
      ).rejects.toThrow()
    })

    test('remember when the team was told, whatever else changes of them', async ({ rig }) => {
      const bound = sampleClient('bound', { network: samplePolicy('bound') })
      await write(rig, async (tx) => {
        await tx.clients.insert(bound)
        await tx.clients.insert(sampleClient('free'))
        expect(await tx.addressAlerts.lastAlert(bound.clientId)).toBeUndefined()
        await tx.addressAlerts.noteAlert(bound.clientId, asMs(5))
        await tx.addressAlerts.noteAlert(asClientId('free'), asMs(5))
        await tx.clients.update({ ...bound, network: { ...samplePolicy('bound'), version: 2 } })
        expect(await tx.addressAlerts.lastAlert(bound.clientId)).toBe(5)
        expect(await tx.addressAlerts.lastAlert(asClientId('free'))).toBeUndefined()
        expect(await tx.addressAlerts.lastAlert(asClientId('nobody'))).toBeUndefined()
      })
    })
  })
}

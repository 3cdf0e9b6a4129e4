import { describe, expect } from 'vitest'
import { startMs } from '../../kernel/fixed-surroundings.test.support.ts'
import { Fault } from '../../kernel/faults.ts'
import type { SealedDataKey } from '../../keys/data-keys.ts'
import type { SealedSigningKey } from '../../keys/signing-keys.ts'
import type { OpenBackend } from './backend.ts'
import { rigTest } from './rig.ts'
import { asMs } from './sample-records.ts'

function keySet(owner: string): { dataKeys: SealedDataKey[]; signingKeys: SealedSigningKey[] } {
  const dataKey = { id: `sealing-${owner}`, purpose: 'sealing', sealed: 'AbC-_', createdAt: startMs } as const
  const signingKey: SealedSigningKey = {
    kid: `kid-${owner}`,
    purpose: 'token',
    algorithm: 'ES256',
    state: 'retired',
    publicJwk: '{"kty":"EC","x":"ü"}',
    sealedPrivateKey: 'xYz-_',
    dataKeyId: dataKey.id,
    createdAt: startMs,
    activatedAt: asMs(startMs + 1),
    retiredAt: asMs(startMs + 2),
  }
  const standby = {
    ...signingKey,
    kid: `KID-${owner}`,
    purpose: 'audit-checkpoint',
    algorithm: 'Ed25519',
    state: 'standby',
    activatedAt: undefined,
    retiredAt: undefined,
  } as const
  const older = { ...signingKey, kid: `z-${owner}`, createdAt: asMs(1) }
  return {
    dataKeys: [dataKey, { ...dataKey, id: `audit-mac-${owner}`, purpose: 'audit-mac', createdAt: asMs(5) }],
    signingKeys: [signingKey, standby, older],
  }
}

export function describeKeys(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)

  describe('keys', () => {
    test('a new database has none', async ({ rig }) => {
      expect(await rig.store.keys.loadDataKeys()).toEqual([])
      expect(await rig.store.keys.loadSigningKeys()).toEqual([])
      expect(await rig.store.keys.isNew()).toBe(true)
    })

    test('the first keys come back as they went in, also after a restart; there are no second ones', async ({
      rig,
    }) => {
      const { dataKeys, signingKeys } = keySet('a')
      expect(await rig.store.keys.installFirstKeys(dataKeys, signingKeys)).toBe(true)
      const later = keySet('b')
      expect(await rig.store.keys.installFirstKeys(later.dataKeys, later.signingKeys)).toBe(false)
      await rig.closeAll()
      const { keys } = await rig.open()
      expect(await keys.isNew()).toBe(false)
      expect(await keys.installFirstKeys(later.dataKeys, later.signingKeys)).toBe(false)
      const loaded = await keys.loadDataKeys()
      expect(loaded.toSorted((a, b) => b.createdAt - a.createdAt)).toStrictEqual(dataKeys)
      const [first, second, oldest] = signingKeys
      expect(await keys.loadSigningKeys()).toStrictEqual([oldest, second, first])
    })

    test('of two installations at once exactly one is made, whole', async ({ rig }) => {
      const second = await rig.open()
      const sets = ['a', 'b', 'c', 'd'].map(keySet)
      const outcomes = await Promise.allSettled(
        sets.map(({ dataKeys, signingKeys }, i) =>
          (i % 2 === 0 ? rig.store : second).keys.installFirstKeys(dataKeys, signingKeys),
        ),
      )
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(Fault)
      const winners = sets.filter((_, i) => outcomes[i]?.status === 'fulfilled' && outcomes[i].value)
      expect(winners).toHaveLength(1)
      const ids = (await second.keys.loadDataKeys()).map(({ id }) => id)
      expect(ids.toSorted()).toEqual(winners[0]?.dataKeys.map(({ id }) => id).toSorted())
      expect(await second.keys.loadSigningKeys()).toHaveLength(3)
    })

    test('a set that cannot be stored whole is not stored at all, and does not count as the first', async ({ rig }) => {
      const { dataKeys, signingKeys } = keySet('a')
      const orphaned = signingKeys.map((key) => ({ ...key, dataKeyId: 'unknown' }))
      await expect(rig.store.keys.installFirstKeys(dataKeys, orphaned)).rejects.toThrow()
      expect(await rig.store.keys.loadDataKeys()).toEqual([])
      expect(await rig.store.keys.isNew()).toBe(true)
      expect(await rig.store.keys.installFirstKeys(dataKeys, signingKeys)).toBe(true)
    })
  })
}

import { describe, expect } from 'vitest'
import { seededRandom, startMs } from '../../kernel/fixed-surroundings.test.support.ts'
import { Fault } from '../../kernel/faults.ts'
import type { SealedDataKey } from '../../keys/data-keys.ts'
import { lifecycleRules } from '../../keys/key-lifecycle.ts'
import { keepSchedule, revokeKey, rotateKeys, type KeyManagement } from '../../keys/manage-keys.ts'
import { openKeys } from '../../keys/open-keys.ts'
import type { SealedSigningKey } from '../../keys/sealed-signing-key.ts'
import { openSigningKeys } from '../../keys/signing-keys.ts'
import type { OpenBackend } from './backend.ts'
import type { ChangeTransaction } from '../sql/change.ts'
import { rigTest, type Rig } from './rig.ts'
import { asMs, write } from './sample-records.ts'

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
    revokedAt: undefined,
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
  const older = { ...signingKey, kid: `z-${owner}`, createdAt: asMs(1), revokedAt: asMs(startMs + 3) }
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

    test('a row is replaced in another form only while it is the one that was read', async ({ rig }) => {
      const { keys } = rig.store
      const { dataKeys, signingKeys } = keySet('a')
      await keys.installFirstKeys(dataKeys, signingKeys)
      const [key] = signingKeys as [SealedSigningKey]
      const resealed = { ...key, sealedPrivateKey: 'new-form' }
      await keys.resealSigningKey({ ...key, sealedPrivateKey: 'older' }, resealed)
      expect(await keys.loadSigningKeys()).toContainEqual(key)
      await keys.resealSigningKey(key, resealed)
      expect(await keys.loadSigningKeys()).toContainEqual(resealed)
      expect(await keys.loadSigningKeys()).toHaveLength(3)
    })

    test('a change inserts, updates, removes and says that keys changed; a refused one does neither', async ({
      rig,
    }) => {
      const { dataKeys, signingKeys } = keySet('a')
      await rig.store.keys.installFirstKeys(dataKeys, signingKeys)
      const [key, , gone] = signingKeys as [SealedSigningKey, SealedSigningKey, SealedSigningKey]
      const fresh = { ...key, kid: 'fresh', state: 'standby', activatedAt: undefined, retiredAt: undefined } as const
      const revoked = { ...key, state: 'revoked', sealedPrivateKey: 'empty', revokedAt: asMs(startMs + 9) } as const
      const work = async ({ signingKeys: rows }: ChangeTransaction) => {
        expect(await rows.all()).toHaveLength(3)
        await rows.insert(fresh)
        await rows.update(revoked)
        await rows.remove(gone.kid)
        expect(await rows.all()).toHaveLength(3)
      }
      const before = await rig.store.keys.loadSigningKeys()
      const refusal = await rig.store.change(rig.context(), async (tx) => {
        await work(tx)
        return { ok: false, refusal: 'no' }
      })
      expect(refusal).toEqual({ ok: false, refusal: 'no' })
      expect(rig.notices).toEqual([])
      expect(await rig.store.keys.loadSigningKeys()).toStrictEqual(before)
      await write(rig, work)
      expect(rig.notices).toMatchObject([{ keys: true, revocations: false }])
      const after = await rig.store.keys.loadSigningKeys()
      expect(after).toHaveLength(3)
      expect(after).toContainEqual(fresh)
      expect(after).toContainEqual(revoked)
    })

    test('data keys are rewrapped whole, and their ids stay', async ({ rig }) => {
      const { dataKeys, signingKeys } = keySet('a')
      await rig.store.keys.installFirstKeys(dataKeys, signingKeys)
      await write(rig, async ({ dataKeys: rows }) => {
        const all = await rows.all()
        await rows.rewrap(all.map((row) => ({ ...row, sealed: `again ${row.sealed}` })))
      })
      const loaded = await rig.store.keys.loadDataKeys()
      expect(loaded.map(({ id }) => id).toSorted()).toEqual(dataKeys.map(({ id }) => id).toSorted())
      for (const { sealed } of loaded) expect(sealed).toBe('again AbC-_')
    })
  })

  describe('rotation', () => {
    const rules = lifecycleRules({ algorithm: 'ES256', rotationDays: 90 }, { maxAgeSeconds: 1, staleIfErrorSeconds: 1 })
    const masterKey = Buffer.alloc(32, 5)

    /** Real keys, and two servers' hands on them. */
    async function twoServers(rig: Rig) {
      const { dataKeys } = await openKeys(rig.store.keys, masterKey, seededRandom('rotation'), rig.clock)
      const other = await rig.open()
      const first: KeyManagement = { change: rig.store.change, dataKeys, rules }
      const ring = async () => openSigningKeys(await other.keys.loadSigningKeys(), dataKeys)
      return { first, second: { ...first, change: other.change }, ring }
    }

    test('of two servers that see the same exactly one rotates', async ({ rig }) => {
      const { first, second, ring } = await twoServers(rig)
      const before = (await ring()).active.kid
      for (let round = 1; round <= 3; round++) {
        rig.clock.advance(90 * 86_400_000)
        const attempts = await Promise.allSettled(
          [first, second, first, second].map((server) => keepSchedule(server, rig.context())),
        )
        // A busy embedded database is away for a moment: who was refused so did nothing.
        for (const attempt of attempts) if (attempt.status === 'rejected') expect(attempt.reason).toBeInstanceOf(Fault)
        const won = attempts.filter((attempt) => attempt.status === 'fulfilled' && attempt.value.ok)
        expect(won).toHaveLength(1)
        const { all, active } = await ring()
        expect(active.kid).not.toBe(before)
        expect(all.map(({ state }) => state).toSorted()).toEqual(['active', 'retired', 'standby'])
      }
    })

    test('a revoked key is in the revocations by the time that it does not sign', async ({ rig }) => {
      const { first, ring } = await twoServers(rig)
      const { active } = await ring()
      const outcome = await revokeKey(first, rig.context(), active.kid)
      expect(outcome).toMatchObject({ ok: true, value: { revoked: active.kid, isHasty: true } })
      const { entries } = await rig.store.revocations.after(0, 10)
      expect(entries).toMatchObject([{ kind: 'kid', subject: active.kid }])
      expect(rig.notices.at(-1)).toMatchObject({ keys: true, revocations: true })
      expect((await ring()).accepted.has(active.kid)).toBe(false)
      const row = (await rig.store.keys.loadSigningKeys()).find(({ kid }) => kid === active.kid)
      expect(row).toMatchObject({ state: 'revoked', revokedAt: rig.clock.now() })
      // A version byte, a nonce and a tag around nothing.
      expect(Buffer.from(row?.sealedPrivateKey ?? '', 'base64url')).toHaveLength(29)
    })

    test('revoking each of many at once on two servers, and rotating meanwhile, leaves one that signs', async ({
      rig,
    }) => {
      const { first, second, ring } = await twoServers(rig)
      const kids = (await ring()).all.map(({ kid }) => kid)
      const work = [
        ...kids.map((kid, i) => revokeKey(i % 2 === 0 ? first : second, rig.context(), kid)),
        rotateKeys(second, rig.context()),
      ]
      await Promise.allSettled(work)
      const { all } = await ring()
      expect(all.filter(({ state }) => state === 'active')).toHaveLength(1)
      expect(all.filter(({ state }) => state === 'standby').length).toBeGreaterThan(0)
    })
  })
}

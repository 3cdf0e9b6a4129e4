import type { EpochMs } from '@latchkey/protocol'
import { describe, expect } from 'vitest'
import type { AccessRequest, AccessRequestId, Invitation, RequestState } from '../../access-requests/request.ts'
import { done } from '../../kernel/result.ts'
import type { ChangeTransaction } from '../sql/change.ts'
import { awkwardTexts } from './awkward-texts.ts'
import type { OpenBackend } from './backend.ts'
import { rigTest, type Rig } from './rig.ts'

/** Requests for access, their keys and invitations, and what strangers may write: on every backend. */
export function describeAccessRequests(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)

  const sample = (
    rig: Rig,
    id: string,
    fields: Partial<AccessRequest> = {},
    address = 'ada@acme.example',
  ): AccessRequest => ({
    id: id.padEnd(24, '0') as AccessRequestId,
    state: 'submitted',
    revision: 2,
    form: {
      organisation: 'Acme',
      contact_name: 'Ada',
      contact_address: address,
      application_name: 'Sync',
      application_kind: 'service',
      scopes: [{ scope: 'a/b', why: 'because' }],
      purpose: 'x',
      environment: 'test',
      source_addresses: ['192.0.2.0/24'],
      authentication: 'secret',
    },
    messages: [],
    createdAt: rig.clock.now(),
    submittedAt: rig.clock.now(),
    expiresAt: (rig.clock.now() + 1000) as EpochMs,
    invitationId: undefined,
    approvals: [],
    decision: undefined,
    ...fields,
  })

  const write = (rig: Rig, work: (tx: ChangeTransaction) => Promise<void>) =>
    rig.store.change(rig.context(), async (tx) => {
      await work(tx)
      return { ...done(undefined), event: { name: 'request.submitted', subject: 'x', details: {} } }
    })

  describe('access requests', () => {
    test('come back as they were kept, whatever was written in them', async ({ rig }) => {
      const texts = awkwardTexts.join('\n')
      const before = sample(rig, 'a', {
        messages: [{ at: rig.clock.now(), from: 'requester', actor: undefined, text: texts }],
        approvals: [{ actor: 'one', at: rig.clock.now(), scopes: [] }],
      })
      await write(rig, (tx) => tx.requests.insert({ ...before, form: { ...before.form, purpose: texts } }))
      const other = await rig.open()
      const found = await other.requests.find(before.id)
      expect(JSON.stringify(found)).toBe(JSON.stringify({ ...before, form: { ...before.form, purpose: texts } }))
      await write(rig, (tx) => tx.requests.update({ ...before, state: 'withdrawn', revision: 3 }))
      expect(await other.requests.find(before.id)).toMatchObject({ state: 'withdrawn', revision: 3 })
      expect(await other.requests.find('A'.padEnd(24, '0') as AccessRequestId)).toBeUndefined()
    })

    test('have keys of their own, several, and no other', async ({ rig }) => {
      const [one, two] = [sample(rig, 'a'), sample(rig, 'b')]
      await write(rig, async (tx) => {
        for (const request of [one, two]) await tx.requests.insert(request)
        await tx.requests.insertKey(one.id, 'first', rig.clock.now())
        await tx.requests.insertKey(one.id, 'second', rig.clock.now())
        await tx.requests.insertKey(two.id, 'third', rig.clock.now())
      })
      expect((await rig.store.requests.keyDigests(one.id)).toSorted()).toEqual(['first', 'second'])
      expect(await rig.store.requests.keyDigests('none' as AccessRequestId)).toEqual([])
    })

    test('are found once they are over for long, and removed with their keys', async ({ rig }) => {
      const states: RequestState[] = [
        'submitted',
        'changes_requested',
        'unconfirmed',
        'approved',
        'rejected',
        'expired',
      ]
      const requests = states.map((state, i) => sample(rig, String.fromCodePoint(97 + i), { state }))
      await write(rig, async (tx) => {
        for (const request of requests) {
          await tx.requests.insert(request)
          await tx.requests.insertKey(request.id, request.id, rig.clock.now())
        }
      })
      const end = rig.clock.now() + 1000
      expect(await rig.store.requests.over((end - 1) as EpochMs)).toEqual([])
      const over = await rig.store.requests.over(end as EpochMs)
      expect(over.map(({ state }) => state).toSorted()).toEqual(['approved', 'expired', 'rejected'])
      await write(rig, async (tx) => {
        for (const { id } of over) await tx.requests.remove(id)
      })
      expect(await rig.store.requests.over(end as EpochMs)).toEqual([])
      for (const { id, state } of requests) {
        const kept = ['submitted', 'changes_requested', 'unconfirmed'].includes(state) ? [id] : []
        expect(await rig.store.requests.keyDigests(id)).toEqual(kept)
      }
    })

    test('are listed once confirmed, oldest first, by the state they are in', async ({ rig }) => {
      const states: RequestState[] = [
        'submitted',
        'changes_requested',
        'approved',
        'partly_approved',
        'rejected',
        'withdrawn',
        'expired',
      ]
      await write(rig, async (tx) => {
        for (const state of states) {
          rig.clock.advance(1)
          await tx.requests.insert(sample(rig, state.replaceAll('_', ''), { state }))
        }
        await tx.requests.insert(sample(rig, 'hidden', { state: 'unconfirmed', submittedAt: undefined }))
      })
      const { requests } = rig.store
      const all = await requests.list({ limit: 100 })
      expect(all.items.map(({ state }) => state)).toEqual(states)
      const first = await requests.list({ limit: 3 })
      const rest = await requests.list({ limit: 10, cursor: first.nextCursor })
      expect([...first.items, ...rest.items].map(({ state }) => state)).toEqual(states)
      const at = rig.clock.now()
      for (const is of states.filter((state) => state !== 'unconfirmed')) {
        const { items } = await requests.list({ limit: 10, state: { is, at } })
        expect(items.map(({ state }) => state)).toEqual([is])
      }
      const later = (at + 1000) as EpochMs
      const expired = await requests.list({ limit: 10, state: { is: 'expired', at: later } })
      expect(expired.items.map(({ state }) => state)).toEqual(['submitted', 'changes_requested', 'expired'])
      expect((await requests.list({ limit: 10, state: { is: 'submitted', at: later } })).items).toEqual([])
      expect((await requests.overdue(later)).map(({ state }) => state)).toEqual(['submitted', 'changes_requested'])
      expect(await requests.overdue((at - 100) as EpochMs)).toEqual([])
    })

    test('that nobody confirmed are forgotten at their end, with their keys', async ({ rig }) => {
      const gone = sample(rig, 'gone', { state: 'unconfirmed', submittedAt: undefined })
      const kept = sample(rig, 'kept')
      await rig.store.intake(async (tx) => {
        for (const request of [gone, kept]) await tx.requests.insert(request)
        await tx.requests.insertKey(gone.id, 'key', rig.clock.now())
      })
      await rig.store.requests.removeUnconfirmed((gone.expiresAt - 1) as EpochMs)
      expect(await rig.store.requests.find(gone.id)).toBeDefined()
      await rig.store.requests.removeUnconfirmed(gone.expiresAt)
      expect(await rig.store.requests.find(gone.id)).toBeUndefined()
      expect(await rig.store.requests.keyDigests(gone.id)).toEqual([])
      expect(await rig.store.requests.find(kept.id)).toBeDefined()
    })

    test('are counted by address and domain without regard to case, and since when', async ({ rig }) => {
      const start = rig.clock.now()
      await rig.store.intake(async (tx) => {
        for (const [i, address] of ['a@x.example', 'A@X.example', 'b@x.EXAMPLE', 'a@y.example'].entries()) {
          rig.clock.advance(10)
          const unconfirmed = { state: 'unconfirmed', submittedAt: undefined } as const
          await tx.requests.insert(sample(rig, `r${i}`, unconfirmed, address))
        }
        expect(await tx.requests.countFor('a@x.example', start)).toEqual({ address: 2, domain: 3 })
        expect(await tx.requests.countFor('A@x.Example', (start + 10) as EpochMs)).toEqual({ address: 1, domain: 2 })
        expect(await tx.requests.countFor('n@n.example', start)).toEqual({ address: 0, domain: 0 })
        expect(await tx.requests.countUnconfirmed()).toBe(4)
      })
    })

    test('an intake that fails leaves nothing', async ({ rig }) => {
      const request = sample(rig, 'x')
      const failing = rig.store.intake(async (tx) => {
        await tx.requests.insert(request)
        throw new Error('stopped')
      })
      await expect(failing).rejects.toThrow('stopped')
      expect(await rig.store.requests.find(request.id)).toBeUndefined()
    })
  })

  describe('invitations', () => {
    test('are good for as many uses as they say, also when all come at once', async ({ rig }) => {
      const now = rig.clock.now()
      const invitation: Invitation = {
        id: 'a',
        keyDigest: 'digest',
        note: undefined,
        createdAt: now,
        createdBy: 'local-socket',
        expiresAt: (now + 1000) as EpochMs,
        maxUses: 3,
        uses: 0,
        revokedAt: undefined,
      }
      await write(rig, (tx) => tx.requests.insertInvitation(invitation))
      const stores = await rig.writers(4)
      const used = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          (stores[i % stores.length] ?? rig.store).intake((tx) => tx.requests.useInvitation('digest', now)),
        ),
      )
      expect(used.filter((one) => one !== undefined)).toHaveLength(3)
    })

    test('are found by digest and id, and listed newest first', async ({ rig }) => {
      const make = (id: string, at: number): Invitation => ({
        id,
        keyDigest: `digest of ${id}`,
        note: id === 'a' ? undefined : 'for Acme',
        createdAt: at as EpochMs,
        createdBy: 'local-socket',
        expiresAt: (at + 1000) as EpochMs,
        maxUses: id === 'a' ? undefined : 3,
        uses: 0,
        revokedAt: undefined,
      })
      const [a, b] = [make('a', 1), make('b', 2)]
      await write(rig, async (tx) => {
        for (const invitation of [a, b]) await tx.requests.insertInvitation(invitation)
        expect(await tx.requests.findInvitationById('a')).toEqual(a)
        expect(await tx.requests.useInvitation('digest of b', 3 as EpochMs)).toMatchObject({ id: 'b', uses: 1 })
        expect(await tx.requests.useInvitation('digest of b', b.expiresAt)).toBeUndefined()
        expect(await tx.requests.useInvitation('digest of c', 3 as EpochMs)).toBeUndefined()
        await tx.requests.useInvitation('digest of b', 3 as EpochMs)
        await tx.requests.revokeInvitation('b', 5 as EpochMs)
        expect(await tx.requests.useInvitation('digest of b', 3 as EpochMs)).toBeUndefined()
      })
      expect(await rig.store.requests.findInvitation('digest of a')).toEqual(a)
      expect(await rig.store.requests.findInvitation('DIGEST OF A')).toBeUndefined()
      const { items, nextCursor } = await rig.store.requests.listInvitations({ limit: 1 })
      expect(items).toEqual([{ ...b, uses: 2, revokedAt: 5 }])
      expect((await rig.store.requests.listInvitations({ limit: 1, cursor: nextCursor })).items).toEqual([a])
    })
  })
}

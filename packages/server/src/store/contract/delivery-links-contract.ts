import type { EpochMs } from '@latchkey/protocol'
import { describe, expect } from 'vitest'
import type { ClientId } from '../../clients/client.ts'
import { registryOn } from '../../clients/registry.test.support.ts'
import { acknowledgeLink } from '../../delivery-links/acknowledge-link.ts'
import { claimLink } from '../../delivery-links/claim-link.ts'
import { createLinkWithin } from '../../delivery-links/create-link.ts'
import type { LinkState } from '../../delivery-links/link-state.ts'
import type { DeliveryLink, LinkId, NewLink } from '../../delivery-links/link.ts'
import { createNotifier } from '../../notices/notifier.ts'
import type { OpenBackend, OpenedStore } from './backend.ts'
import { rigTest, type Rig } from './rig.ts'

/** Delivery links, who may claim one, and which processes have reported: on every backend, from every handle. */
export function describeDeliveryLinks(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)

  const silent = (rig: Rig) =>
    createNotifier({ sendsMail: false, teamAddresses: [], hasWebhook: false }, rig.dataKeys, rig.maker.random)
  const desk = (rig: Rig, store: OpenedStore = rig.store) => ({
    reads: store.links,
    change: store.change,
    maker: { ...rig.maker, issuer: 'https://auth.example.com' },
    notifier: silent(rig),
  })

  async function client(rig: Rig, name = 'c'): Promise<ClientId> {
    return (await registryOn(rig).addClient(name, [])).client.clientId
  }

  async function link(rig: Rig, clientId: ClientId, withCode = false): Promise<NewLink> {
    const created = await rig.store.change(rig.context(), (tx) =>
      createLinkWithin(tx, rig.maker, rig.context(), {
        clientId,
        contactAddress: 'it@acme.example',
        requestId: 'request',
        lifetimeSeconds: 3600,
        secretLifetimeSeconds: 600,
        secretName: undefined,
        withCode,
      }),
    )
    if (!created.ok) throw new Error(created.refusal.message)
    return created.value
  }

  const input = ({ link: { id }, key, code }: NewLink) => ({ id, key, code, address: '192.0.2.1' })

  describe('delivery links', () => {
    test('come back as they were kept, found by their id in exactly these letters', async ({ rig }) => {
      const made = await link(rig, await client(rig), true)
      const other = await rig.open()
      expect(await other.links.find(made.link.id)).toEqual(made.link)
      expect(await other.links.find(made.link.id.toUpperCase() as LinkId)).toBeUndefined()
      const claimed = await claimLink(desk(rig), rig.context(), input(made))
      expect(claimed).toMatchObject({ ok: true, value: { secret: { expiresAt: rig.clock.now() + 600_000 } } })
      expect(await other.links.find(made.link.id)).toMatchObject({ claimedAt: rig.clock.now(), wrongCodes: 0 })
    })

    test('are claimed once, however many ask on however many handles', async ({ rig }) => {
      const made = await link(rig, await client(rig))
      const stores = await rig.writers(4)
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          claimLink(desk(rig, stores[i % stores.length]), rig.context(), input(made)),
        ),
      )
      expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
      for (const answer of answers) if (!answer.ok) expect(answer.refusal).toBe('link.claimed')
      const record = await rig.store.clients.find(made.link.clientId)
      // The local one, the first, and the one that was claimed.
      expect(record?.credentials).toHaveLength(3)
    })

    test('a claim beside a newer link: either it is refused, or what it made is revoked', async ({ rig }) => {
      const clientId = await client(rig)
      for (let i = 0; i < 5; i++) {
        const made = await link(rig, clientId)
        const [first = rig.store, second = rig.store] = await rig.writers(2)
        const [claimed] = await Promise.all([
          claimLink(desk(rig, first), rig.context(), input(made)),
          second.change(rig.context(), (tx) =>
            createLinkWithin(tx, rig.maker, rig.context(), {
              clientId,
              contactAddress: undefined,
              requestId: undefined,
              lifetimeSeconds: undefined,
              secretLifetimeSeconds: undefined,
              secretName: undefined,
              withCode: false,
            }),
          ),
        ])
        const kept = await rig.store.links.find(made.link.id)
        const secret = kept?.credentialId && (await rig.store.clients.findCredential(kept.credentialId))
        expect(kept?.ending).toBe('superseded')
        if (claimed.ok) expect(secret).toMatchObject({ revokedAt: rig.clock.now() })
        else expect([claimed.refusal, secret]).toEqual(['link.revoked', undefined])
      }
    })

    test('are listed newest first, by client and by each state they are in', async ({ rig }) => {
      const states: LinkState[] = [
        'open',
        'claimed',
        'delivered',
        'revoked',
        'locked',
        'undelivered',
        'disowned',
        'expired',
      ]
      const made = new Map<LinkState, DeliveryLink>()
      for (const state of states) {
        rig.clock.advance(1000)
        const fresh = await link(rig, await client(rig, state))
        const now = rig.clock.now()
        if (state === 'claimed' || state === 'delivered') {
          const claimed = await claimLink(desk(rig), rig.context(), input(fresh))
          if (!claimed.ok) throw new Error(JSON.stringify(claimed.refusal))
          const { receipt } = claimed.value
          if (state === 'delivered') await acknowledgeLink(desk(rig), rig.context(), fresh.link.id, fresh.key, receipt)
        } else if (state !== 'open') {
          const changed =
            state === 'expired' ? undefined : { ...fresh.link, ending: state, endedAt: now as EpochMs | undefined }
          if (changed !== undefined) await update(rig, changed)
        }
        made.set(state, fresh.link)
      }
      // All but the last are as old as they are; the one that expires has the same life as the open one, and is listed at its own end.
      const ids = async (state: LinkState, at = rig.clock.now()) =>
        (await rig.store.links.list({ limit: 10, state: { is: state, at } })).items.map(({ id }) => id)
      for (const state of states.filter((one) => one !== 'expired' && one !== 'open')) {
        expect([state, await ids(state)]).toEqual([state, [made.get(state)?.id]])
      }
      const open = [made.get('expired')?.id, made.get('open')?.id]
      expect(await ids('open')).toEqual(open)
      expect(await ids('expired')).toEqual([])
      const later = (rig.clock.now() + 3_600_000) as EpochMs
      expect(await ids('expired', later)).toEqual(open)
      expect(await ids('open', later)).toEqual([])
      const all = await rig.store.links.list({ limit: 3 })
      expect(all.items.map(({ id }) => id)).toEqual(
        states
          .toReversed()
          .slice(0, 3)
          .map((state) => made.get(state)?.id),
      )
      const rest = await rig.store.links.list({ limit: 10, cursor: all.nextCursor })
      expect(rest.items).toHaveLength(5)
      expect((await rig.store.links.unconfirmed()).map(({ id }) => id)).toEqual([made.get('claimed')?.id])
    })

    test('go with their client', async ({ rig }) => {
      const clientId = await client(rig)
      const made = await link(rig, clientId)
      await rig.store.change(rig.context(), async (tx) => {
        await tx.clients.delete(clientId, rig.clock.now())
        return { ok: true, value: undefined, event: { name: 'client.deleted', subject: clientId, details: {} } }
      })
      expect(await rig.store.links.find(made.link.id)).toBeUndefined()
    })
  })

  async function update(rig: Rig, changed: DeliveryLink): Promise<void> {
    await rig.store.change(rig.context(), async (tx) => {
      await tx.links.update(changed)
      return { ok: true, value: undefined, event: { name: 'link.revoked', subject: changed.id, details: {} } }
    })
  }

  describe('processes that report uses', () => {
    test('are known by what they said last, until they are silent for too long', async ({ rig }) => {
      const { presence } = rig.store
      const now = rig.clock.now()
      const at = (ms: number) => (now + ms) as EpochMs
      await presence.note({ processId: 'one', seenAt: at(0), usesReportedUntil: at(-5) })
      await presence.note({ processId: 'one', seenAt: at(10), usesReportedUntil: at(5) })
      await presence.note({ processId: 'two', seenAt: at(3), usesReportedUntil: at(2) })
      const other = await rig.open()
      const seen = async (after: number) =>
        (await other.presence.present(at(after))).toSorted((a, b) => (a.processId < b.processId ? -1 : 1))
      expect(await seen(2)).toEqual([
        { processId: 'one', seenAt: at(10), usesReportedUntil: at(5) },
        { processId: 'two', seenAt: at(3), usesReportedUntil: at(2) },
      ])
      expect((await seen(3)).map(({ processId }) => processId)).toEqual(['one'])
      expect((await seen(0)).map(({ processId }) => processId)).toEqual(['one'])
      await presence.leave('one')
      expect(await seen(0)).toEqual([])
    })
  })
}

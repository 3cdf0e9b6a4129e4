import type { EpochMs } from '@latchkey/protocol'
import { describe, expect } from 'vitest'
import { done } from '../../kernel/result.ts'
import type { QueuedNotice } from '../../notices/ports.ts'
import type { OpenBackend } from './backend.ts'
import { rigTest, type Rig } from './rig.ts'

/** Messages that wait to be sent: each is one sender's at a time, and is erased once it is sent. */
export function describeNotices(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)
  const at = (rig: Rig, ms: number) => (rig.clock.now() + ms) as EpochMs

  const notice = (rig: Rig, id: string): QueuedNotice => ({
    id,
    channel: 'mail',
    kind: 'link.ready',
    about: 'link',
    sealed: 'x'.repeat(10_000),
    dataKeyId: 'key',
    createdAt: rig.clock.now(),
  })

  const queue = (rig: Rig, ...ids: readonly string[]) =>
    rig.store.change(rig.context(), async (tx) => {
      for (const id of ids) await tx.notices.insert(notice(rig, id))
      return { ...done(undefined), event: { name: 'link.created', subject: 'x', details: {} } }
    })

  const take = async (rig: Rig, now: number, lease = now + 100) =>
    (await rig.store.outbox.take(at(rig, now), at(rig, lease), 10)).map(({ id, attempts }) => `${id}${attempts}`)

  describe('messages that wait', () => {
    test('are taken by one for as long as the lease, then by another', async ({ rig }) => {
      await queue(rig, 'a', 'b')
      expect(await take(rig, 0)).toEqual(['a1', 'b1'])
      expect(await take(rig, 99)).toEqual([])
      expect(await take(rig, 100)).toEqual(['a2', 'b2'])
    })

    test('are each taken once, however many senders there are', async ({ rig }) => {
      const ids = Array.from({ length: 20 }, (_, i) => `n${i}`)
      await queue(rig, ...ids)
      const stores = await rig.writers(4)
      const taken = await Promise.all(stores.map((store) => store.outbox.take(at(rig, 0), at(rig, 100), 20)))
      expect(
        taken
          .flat()
          .map(({ id }) => id)
          .toSorted(),
      ).toEqual(ids.toSorted())
    })

    test('are erased once they are sent or given up, and forgotten later', async ({ rig }) => {
      await queue(rig, 'sent', 'lost', 'waits')
      await take(rig, 0)
      const { outbox } = rig.store
      await outbox.markSent('sent', at(rig, 1))
      await outbox.giveUp('lost', at(rig, 2), 'mail.550')
      await outbox.postpone('waits', at(rig, 50), 'mail.451')
      expect(await outbox.counts(at(rig, 3))).toEqual({ waiting: 1, waitingSince: rig.clock.now(), givenUp: 1 })
      expect(await take(rig, 49)).toEqual([])
      expect(await take(rig, 50)).toEqual(['waits2'])
      await outbox.removeOld(at(rig, 2))
      expect((await outbox.counts(at(rig, 3))).givenUp).toBe(1)
      await outbox.removeOld(at(rig, 3))
      expect(await outbox.counts(at(rig, 3))).toEqual({ waiting: 1, waitingSince: rig.clock.now(), givenUp: 0 })
    })

    test('are not there when the change that queued them is refused', async ({ rig }) => {
      await rig.store.change(rig.context(), async (tx) => {
        await tx.notices.insert(notice(rig, 'never'))
        return { ok: false, refusal: 'no' }
      })
      expect(await take(rig, 0)).toEqual([])
    })
  })
}

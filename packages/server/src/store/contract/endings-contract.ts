import type { EpochMs } from '@latchkey/protocol'
import { describe, expect } from 'vitest'
import { addSecret, revokeSecret } from '../../clients/manage-secrets.ts'
import { must, registryOn } from '../../clients/registry.test.support.ts'
import { setClientState } from '../../clients/update-client.ts'
import type { EndingMark } from '../../endings/ports.ts'
import type { OpenBackend } from './backend.ts'
import { rigTest } from './rig.ts'

/** What ends soon, and what was told of it: on every backend, from every handle. */
export function describeEndings(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)
  const day = 86_400_000

  describe('endings', () => {
    test('of many that tell at once on many handles exactly one does, and its work is done with it', async ({
      rig,
    }) => {
      const handles = [rig.store, await rig.open(), await rig.open()]
      const mark: EndingMark = {
        kind: 'secret',
        subject: 'abc',
        endsAt: (rig.clock.now() + day) as EpochMs,
        threshold: 1,
      }
      let works = 0
      const work = async () => {
        works += 1
        await Promise.resolve()
      }
      const tell = (store = rig.store) => store.endingBook.tellOnce(mark, work)
      const answers = await Promise.all(Array.from({ length: 10 }, () => tell()))
      for (const handle of handles) answers.push(await tell(handle))
      expect(answers.filter(Boolean)).toHaveLength(1)
      expect(works).toBe(1)
      expect(await handles[1]?.endingBook.told(rig.clock.now())).toEqual([mark])
      // Another end, or another distance, of the same thing is another message.
      expect(await rig.store.endingBook.tellOnce({ ...mark, threshold: 7 }, work)).toBe(true)
      expect(await rig.store.endingBook.tellOnce({ ...mark, endsAt: (mark.endsAt + 1) as EpochMs }, work)).toBe(true)
      await rig.store.endingBook.removeOld((mark.endsAt + 1) as EpochMs)
      expect(await rig.store.endingBook.told(rig.clock.now())).toEqual([{ ...mark, endsAt: mark.endsAt + 1 }])
    })

    test('work that fails leaves no mark: it is told the next time', async ({ rig }) => {
      const mark: EndingMark = {
        kind: 'scope',
        subject: 'client api/read',
        endsAt: (rig.clock.now() + day) as EpochMs,
        threshold: 30,
      }
      const failing = () => Promise.reject(new Error('no room'))
      await expect(rig.store.endingBook.tellOnce(mark, failing)).rejects.toThrow('no room')
      expect(await rig.store.endingBook.tellOnce(mark, () => Promise.resolve())).toBe(true)
    })

    test('are secrets in force of enabled clients, between two moments', async ({ rig }) => {
      const registry = registryOn(rig)
      const { change } = registry
      const { client } = await registry.addClient('Plant', [])
      const now = rig.clock.now()
      const at = (days: number) => (now + days * day) as EpochMs
      const add = async (name: string, days: number) =>
        must(await addSecret(change, rig.maker, rig.context(), client.clientId, { name, expiresAt: at(days) }))
          .credential
      const soon = await add('soon', 10)
      const ended = await add('revoked', 11)
      await add('later', 31)
      await revokeSecret(change, rig.context(), ended.id, { compromised: false })
      const other = await rig.open()
      expect(await other.endings.credentials(now, at(30))).toEqual([
        {
          kind: 'secret',
          subject: soon.id,
          name: 'soon',
          endsAt: at(10),
          since: now,
          client: { clientId: client.clientId, name: 'Plant', contactAddress: undefined },
        },
      ])
      expect(await other.endings.credentials(now, at(9))).toEqual([])
      expect(await other.endings.credentials(at(10), at(30))).toEqual([])
      await setClientState(change, rig.context(), client.clientId, 'disabled')
      expect(await other.endings.credentials(now, at(30))).toEqual([])
      expect(await other.endings.scopes(now, at(30))).toEqual([])
    })
  })
}

import { describe, expect } from 'vitest'
import type { EpochMs } from '@latchkey/protocol'
import type { KeptAnswer } from '../../admin-api/idempotency/ports.ts'
import { answerOnce, type Attempt } from '../../admin-api/idempotency/answer-once.ts'
import { createClient } from '../../clients/create-client.ts'
import { registryOn } from '../../clients/registry.test.support.ts'
import { done, refused } from '../../kernel/result.ts'
import type { ChangeTransaction } from '../sql/change.ts'
import type { OpenBackend } from './backend.ts'
import { rigTest, type Rig } from './rig.ts'

/** Kept answers to creates, and that each create is made once for its key: from every handle, whatever comes in between. */
export function describeAnswers(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)
  const event = { name: 'client.created', subject: 'x', details: {} } as const

  const write = (rig: Rig, work: (tx: ChangeTransaction) => Promise<void>) =>
    rig.store.change(rig.context(), async (tx) => {
      await work(tx)
      return { ...done(undefined), event }
    })

  async function find(rig: Rig, digest: string): Promise<KeptAnswer | undefined> {
    let found: KeptAnswer | undefined
    await rig.store.change(rig.context(), async (tx) => {
      found = await tx.answers.find(digest)
      return refused(undefined)
    })
    return found
  }

  describe('kept answers', () => {
    const answer = (digest: string, expiresAt: number): KeptAnswer => ({
      digest,
      sealed: 'x'.repeat(100_000),
      expiresAt: expiresAt as EpochMs,
    })

    test('come back as they were kept, by their digest in exactly these letters', async ({ rig }) => {
      const kept = answer('aBc-_', rig.clock.now() + 1)
      await write(rig, (tx) => tx.answers.insert(kept))
      expect(await find(rig, 'aBc-_')).toEqual(kept)
      for (const other of ['abc-_', 'ABC-_', 'aBc-', 'aBc-_ ']) expect(await find(rig, other)).toBeUndefined()
    })

    test('go at their end and not before', async ({ rig }) => {
      const now = rig.clock.now()
      await write(rig, (tx) => tx.answers.insert(answer('ends', now)))
      await write(rig, (tx) => tx.answers.insert(answer('stays', now + 1)))
      await write(rig, (tx) => tx.answers.removeExpired(now))
      expect(await find(rig, 'ends')).toBeUndefined()
      expect(await find(rig, 'stays')).toBeDefined()
    })

    test('are not kept when the change is refused', async ({ rig }) => {
      await rig.store.change(rig.context(), async (tx) => {
        await tx.answers.insert(answer('refused', rig.clock.now() + 1))
        return refused(undefined)
      })
      expect(await find(rig, 'refused')).toBeUndefined()
    })
  })

  describe('a create with an idempotency key', () => {
    const attempt: Attempt = {
      actor: 'me',
      key: 'k'.repeat(22),
      operation: 'clients.create',
      input: { body: { a: 1 } },
      authority: 'all',
    }
    const input = { name: 'once', scopes: [] }

    test('is made once, from two handles at the same moment', async ({ rig }) => {
      const other = await rig.open()
      const make = async (store: Rig['store']) =>
        createClient(answerOnce(store.change, rig.dataKeys, attempt), rig.maker, rig.context(), input)
      // One process owns an embedded database: a second handle may find it busy, and asks again as a caller would.
      const atOnce = await Promise.allSettled([rig.store, other, rig.store, other].map((store) => make(store)))
      const results = [
        ...atOnce.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])),
        await make(other),
      ]
      const secrets = new Set(results.map((result) => (result.ok ? result.value.clientSecret : 'refused')))
      expect([...secrets]).toEqual([expect.stringMatching(/^lk_test_/)])
      expect((await rig.store.clients.list({ limit: 10 })).items).toHaveLength(1)
    })

    test('comes to the value that it came to, whatever became of it since', async ({ rig }) => {
      const registry = registryOn(rig)
      const make = () =>
        createClient(answerOnce(rig.store.change, rig.dataKeys, attempt), rig.maker, rig.context(), input)
      const first = await make()
      if (!first.ok) throw new Error('refused')
      await registry.change(rig.context(), async (tx) => {
        await tx.clients.delete(first.value.client.clientId, rig.clock.now())
        return { ...done(undefined), event: { ...event, name: 'client.deleted' } }
      })
      expect(JSON.stringify(await make())).toBe(JSON.stringify(first))
      expect((await rig.store.clients.list({ limit: 10 })).items).toEqual([])
    })

    test('another caller with the same key, and the same caller with another, make their own', async ({ rig }) => {
      for (const each of [attempt, { ...attempt, actor: 'you' }, { ...attempt, key: 'l'.repeat(22) }]) {
        await createClient(answerOnce(rig.store.change, rig.dataKeys, each), rig.maker, rig.context(), input)
      }
      expect((await rig.store.clients.list({ limit: 10 })).items).toHaveLength(3)
    })

    test('what is kept opens with the key alone: not for who has database and data keys', async ({ rig }) => {
      const kept: KeptAnswer[] = []
      const change = answerOnce<ChangeTransaction>(
        (context, work) =>
          rig.store.change(context, (tx) =>
            work({
              ...tx,
              answers: {
                ...tx.answers,
                insert(row) {
                  kept.push(row)
                  return tx.answers.insert(row)
                },
              },
            }),
          ),
        rig.dataKeys,
        attempt,
      )
      const made = await createClient(change, rig.maker, rig.context(), input)
      const [row] = kept
      const text = `${JSON.stringify(row)}${Buffer.from(row?.sealed ?? '', 'base64url').toString('latin1')}`
      expect(made.ok && text.includes(made.value.clientSecret)).toBe(false)
      expect(text).not.toContain(attempt.key)
      expect(row?.sealed.length).toBeGreaterThan(100)
    })

    test('an operation that would make two changes under one key is a mistake of ours', async ({ rig }) => {
      const change = answerOnce(rig.store.change, rig.dataKeys, attempt)
      await createClient(change, rig.maker, rig.context(), input)
      await expect(createClient(change, rig.maker, rig.context(), input)).rejects.toThrow('more than one change')
    })
  })
}

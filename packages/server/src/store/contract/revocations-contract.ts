import { describe, expect } from 'vitest'
import { startMs } from '../../kernel/fixed-surroundings.test.support.ts'
import type { Revocation } from '../../tokens/ports.ts'
import type { Generation } from '../../clients/credential.ts'
import type { OpenBackend } from './backend.ts'
import { rigTest, type Rig } from './rig.ts'
import {
  asClientId,
  asMs,
  revocationSequences,
  sampleClient,
  sampleCredential,
  sampleEvent,
  write,
} from './sample-records.ts'

export function describeRevocations(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)

  /** Appends entries in one change. */
  async function append(
    rig: Rig,
    now: number,
    ...entries: (Pick<Revocation, 'kind' | 'subject'> & { expiresAt?: number })[]
  ) {
    await write(rig, async (tx) => {
      for (const { kind, subject, expiresAt = startMs * 2 } of entries) {
        await tx.revocations.append({ kind, subject, minimum: 0, expiresAt: asMs(expiresAt) }, asMs(now))
      }
    })
  }

  const query = { jti: 'jti', kid: 'kid', clientId: 'acme', references: [] }

  describe('revocations', () => {
    test('the sequence is max(previous + 1, now): it grows though the clock stands still or steps back', async ({
      rig,
    }) => {
      const entry = { kind: 'jti', subject: 'a' } as const
      await append(rig, 1000, entry, entry)
      await append(rig, 1000, entry)
      await append(rig, 500, entry)
      await append(rig, 1003, entry)
      await append(rig, 1005, entry)
      await append(rig, startMs, entry)
      expect(await revocationSequences(rig.store)).toEqual([1000, 1001, 1002, 1003, 1004, 1005, startMs])
    })

    test('the sequence remembers entries that were removed, and a restart', async ({ rig }) => {
      await append(rig, 1000, { kind: 'jti', subject: 'a', expiresAt: 1 })
      await append(rig, 1000, { kind: 'jti', subject: 'b', expiresAt: 1 })
      await rig.store.tokenStatus.removeExpired(asMs(2))
      expect(await revocationSequences(rig.store)).toEqual([])
      await rig.closeAll()
      const store = await rig.open()
      await store.change(rig.context(), async (tx) => {
        await tx.revocations.append({ kind: 'jti', subject: 'c', minimum: 0, expiresAt: asMs(9) }, asMs(10))
        return { ok: true, value: undefined, event: { name: 'token.revoked', subject: 'c', details: {} } }
      })
      expect(await revocationSequences(store)).toEqual([1002])
    })

    test('those that are a client’s own doing are counted for it, until they expire', async ({ rig }) => {
      const [acme, other] = [asClientId('acme'), asClientId('other')]
      const entry = (subject: string, expiresAt: number) =>
        ({ kind: 'jti', subject, minimum: 0, expiresAt: asMs(expiresAt) }) as const
      await write(rig, async (tx) => {
        await tx.revocations.appendOwn(entry('a', 2000), acme, asMs(1000))
        await tx.revocations.appendOwn(entry('b', 3000), acme, asMs(1000))
        await tx.revocations.appendOwn(entry('c', 3000), other, asMs(1000))
        await tx.revocations.append(entry('d', 3000), asMs(1000))
      })
      await write(rig, async (tx) => {
        expect(await tx.revocations.countOwn(acme, asMs(1999))).toBe(2)
        expect(await tx.revocations.countOwn(acme, asMs(2000))).toBe(1)
        expect(await tx.revocations.countOwn(asClientId('ACME'), asMs(1000))).toBe(0)
      })
    })

    test('concurrent changes never share a sequence', async ({ rig }) => {
      await Promise.all(Array.from({ length: 20 }, (_, n) => append(rig, 1000, { kind: 'jti', subject: `t${n}` })))
      expect(await revocationSequences(rig.store)).toEqual(Array.from({ length: 20 }, (_, n) => 1000 + n))
    })

    test('are read in order, a page at a time, with the newest sequence that there ever was', async ({ rig }) => {
      expect(await rig.store.revocations.after(0, 10)).toEqual({ entries: [], latest: 0 })
      const largest = Number.MAX_SAFE_INTEGER
      await write(rig, async (tx) => {
        const floor = { kind: 'floor', subject: '', minimum: largest, expiresAt: asMs(largest) } as const
        await tx.revocations.append(floor, asMs(10))
        for (const subject of ['b', 'a']) {
          await tx.revocations.append({ kind: 'jti', subject, minimum: 0, expiresAt: asMs(5) }, asMs(10))
        }
      })
      const { revocations, tokenStatus } = rig.store
      const first = { sequence: 10, kind: 'floor', subject: '', minimum: largest, expiresAt: largest }
      const [second, third] = ['b', 'a'].map((subject, n) => ({
        sequence: 11 + n,
        kind: 'jti',
        subject,
        minimum: 0,
        expiresAt: 5,
      }))
      expect(await revocations.after(0, 2)).toStrictEqual({ entries: [first, second], latest: 12 })
      expect(await revocations.after(11, 2)).toStrictEqual({ entries: [third], latest: 12 })
      expect(await revocations.after(12, 2)).toStrictEqual({ entries: [], latest: 12 })
      await tokenStatus.removeExpired(asMs(6))
      expect(await revocations.after(0, 10)).toStrictEqual({ entries: [first], latest: 12 })
    })

    test('none comes late: what is above a sequence that was seen was not there when it was seen', async ({ rig }) => {
      const writers = await rig.writers(2)
      const reader = await rig.open()
      const progress = { isOver: false }
      const writing = Promise.all(
        writers.map(async (store, w) => {
          for (let n = 0; n < 25; n++) {
            const revocation = { kind: 'jti', subject: `${w}-${n}`, minimum: 0, expiresAt: asMs(startMs * 2) } as const
            await store.change(rig.context(), async (tx) => {
              await tx.revocations.append(revocation, asMs(1))
              return { ok: true, value: undefined, event: sampleEvent }
            })
          }
        }),
      ).finally(() => {
        progress.isOver = true
      })
      const seen: number[] = []
      do {
        const { entries, latest } = await reader.revocations.after(seen.at(-1) ?? 0, 1000)
        seen.push(...entries.map(({ sequence }) => sequence))
        expect(seen.at(-1) ?? 0).toBe(latest)
        await new Promise((resolve) => setImmediate(resolve))
      } while (!progress.isOver)
      await writing
      const { entries } = await reader.revocations.after(seen.at(-1) ?? 0, 1000)
      expect([...seen, ...entries.map(({ sequence }) => sequence)]).toEqual(Array.from({ length: 50 }, (_, n) => n + 1))
    })

    test('an entry is removed after its last millisecond, not in it', async ({ rig }) => {
      await append(
        rig,
        1,
        { kind: 'jti', subject: 'before', expiresAt: startMs - 1 },
        { kind: 'jti', subject: 'at', expiresAt: startMs },
        { kind: 'jti', subject: 'after', expiresAt: startMs + 1 },
      )
      const { tokenStatus } = rig.store
      const left = async () => {
        const subjects = ['before', 'at', 'after']
        const statuses = await Promise.all(subjects.map((jti) => tokenStatus.status({ ...query, jti })))
        return subjects.filter((_, i) => statuses[i]?.revoked)
      }
      await tokenStatus.removeExpired(asMs(startMs))
      expect(await left()).toEqual(['at', 'after'])
      await tokenStatus.removeExpired(asMs(startMs + 1))
      expect(await left()).toEqual(['after'])
      await tokenStatus.removeExpired(asMs(startMs + 2))
      expect(await left()).toEqual([])
    })

    test.for([
      ['jti', 'jti', true],
      ['kid', 'kid', true],
      ['jti', 'JTI', false],
      ['kid', 'jti', false],
      ['jti', 'kid', false],
      ['credential', 'jti', false],
      ['credential', 'kid', false],
      ['jti', 'jt', false],
      ['jti', 'jti ', false],
    ] as const)('an entry for %s %j revokes the token: %s', async ([kind, subject, revoked], { rig }) => {
      await append(rig, 1, { kind, subject })
      expect((await rig.store.tokenStatus.status(query)).revoked).toBe(revoked)
    })

    test('status tells the client’s state and only its own credentials’ generations', async ({ rig }) => {
      await write(rig, async (tx) => {
        await tx.clients.insert(sampleClient('acme', { state: 'disabled' }))
        await tx.clients.insert(sampleClient('other'))
        for (const [client, id, generation] of [
          ['acme', 'a', 5],
          ['acme', 'b', 6],
          ['acme', 'c', 7],
          ['other', 'o', 8],
        ] as const) {
          await tx.clients.insertCredential(sampleCredential(client, id, { generation: generation as Generation }))
        }
      })
      const references = ['a', 'b', 'o', 'unknown', 'A'].map((id) => `reference-of-${id}`)
      const { tokenStatus } = rig.store
      expect(await tokenStatus.status({ ...query, references })).toStrictEqual({
        revoked: false,
        clientState: 'disabled',
        generations: new Map([
          ['reference-of-a', 5],
          ['reference-of-b', 6],
        ]),
      })
      expect(await tokenStatus.status(query)).toStrictEqual({
        revoked: false,
        clientState: 'disabled',
        generations: new Map(),
      })
      expect((await tokenStatus.status({ ...query, clientId: 'other' })).clientState).toBe('enabled')
      expect((await tokenStatus.status({ ...query, clientId: 'ACME' })).clientState).toBeUndefined()
      // More than any database takes as parameters of one statement.
      const many = Array.from({ length: 70_000 }, (_, n) => `none-${n}`)
      expect((await tokenStatus.status({ ...query, references: [...many, 'reference-of-c'] })).generations.size).toBe(1)
    })

    test('after a client is deleted, status knows neither it nor its credentials', async ({ rig }) => {
      await write(rig, async (tx) => {
        await tx.clients.insert(sampleClient('acme'))
        await tx.clients.insertCredential(sampleCredential('acme', 'a'))
      })
      await write(rig, (tx) => tx.clients.delete(sampleClient('acme').clientId, rig.clock.now()))
      expect(await rig.store.tokenStatus.status({ ...query, references: ['reference-of-a'] })).toStrictEqual({
        revoked: false,
        clientState: undefined,
        generations: new Map(),
      })
    })
  })
}

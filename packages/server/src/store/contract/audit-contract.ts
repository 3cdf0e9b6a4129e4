import { describe, expect } from 'vitest'
import { noRows, type Checkpoint } from '../../audit/log/checkpoint.ts'
import type { LogRegistration, RecentRefusal, UsageDigest } from '../../audit/ports.ts'
import { startMs } from '../../kernel/fixed-surroundings.test.support.ts'
import type { OpenBackend } from './backend.ts'
import { rigTest, type Rig } from './rig.ts'
import { asMs, sampleEvent, untilTaken } from './sample-records.ts'

const hourMs = 3_600_000

function checkpoint(log: string, n: number, firstSegment = 1): Checkpoint {
  return {
    log,
    host: 'host:/päth',
    after: '',
    firstSegment,
    segment: 3,
    n,
    mac: 'mac',
    row: { sequence: 9_007_199_254_740_991, mac: 'row' },
    at: startMs,
    kid: 'kid',
    signature: `signature ${n}`,
  }
}

function registration(id: string, fields: Partial<LogRegistration> = {}): LogRegistration {
  return {
    id,
    host: 'host:/päth',
    openedAt: startMs,
    closedAt: undefined,
    firstSegment: 1,
    checkpoint: checkpoint(id, 0),
    ...fields,
  }
}

export function describeAudit(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)

  /** Appends one audit row for each of these moments. */
  async function appendRows(rig: Rig, ...moments: number[]): Promise<void> {
    for (const at of moments) {
      rig.clock.set(at)
      await rig.store.change(rig.context(), () => Promise.resolve({ ok: true, value: undefined, event: sampleEvent }))
    }
  }

  describe('audit rows as they are read', () => {
    test('in order, a page at a time', async ({ rig }) => {
      const { auditLogs } = rig.store
      expect(await auditLogs.lastRow()).toStrictEqual(noRows)
      await appendRows(rig, 5, 4, 3, 2, 1)
      const sequences = async (after: number, limit: number) =>
        (await auditLogs.rows(after, limit)).map(({ sequence }) => sequence)
      expect(await sequences(0, 2)).toEqual([1, 2])
      expect(await sequences(2, 2)).toEqual([3, 4])
      expect(await sequences(4, 2)).toEqual([5])
      expect(await sequences(5, 2)).toEqual([])
      const [last] = await auditLogs.rows(4, 1)
      expect(await auditLogs.lastRow()).toEqual({ sequence: 5, mac: last?.mac })
    })

    test('newest first by sequence, whatever the clock did, up to a moment and including it', async ({ rig }) => {
      await appendRows(rig, 10, 30, 20, 40, 20)
      const sequences = async (before: number, until: number, limit: number) =>
        (await rig.store.auditLogs.rowsBefore(before, asMs(until), limit)).map(({ sequence }) => sequence)
      expect(await sequences(Number.MAX_SAFE_INTEGER, 100, 10)).toEqual([5, 4, 3, 2, 1])
      expect(await sequences(Number.MAX_SAFE_INTEGER, 100, 2)).toEqual([5, 4])
      expect(await sequences(4, 100, 10)).toEqual([3, 2, 1])
      expect(await sequences(6, 20, 10)).toEqual([5, 3, 1])
      expect(await sequences(6, 19, 10)).toEqual([1])
      expect(await sequences(1, 100, 10)).toEqual([])
    })
  })

  describe('token logs', () => {
    test('come back as they were registered, oldest first, ids of one millisecond in code-point order', async ({
      rig,
    }) => {
      const bare = registration('bare', {
        openedAt: asMs(1),
        closedAt: asMs(2),
        firstSegment: 7,
        checkpoint: undefined,
      })
      for (const log of [registration('b'), registration('A'), registration('a'), bare])
        await rig.store.auditLogs.register(log)
      expect(await rig.store.auditLogs.logs()).toStrictEqual([
        bare,
        registration('A'),
        registration('a'),
        registration('b'),
      ])
      await expect(rig.store.auditLogs.register(registration('a'))).rejects.toThrow()
    })

    test('a checkpoint replaces the one before; closing stays', async ({ rig }) => {
      const { auditLogs } = rig.store
      for (const id of ['a', 'A']) await auditLogs.register(registration(id))
      await auditLogs.saveCheckpoint('a', checkpoint('a', 1), undefined)
      const open = registration('a', { checkpoint: checkpoint('a', 1) })
      expect(await auditLogs.logs()).toStrictEqual([registration('A'), open])
      await auditLogs.saveCheckpoint('a', checkpoint('a', 2), asMs(5))
      await auditLogs.saveCheckpoint('a', checkpoint('a', 3), undefined)
      await auditLogs.saveCheckpoint('unknown', checkpoint('unknown', 1), undefined)
      const closed = registration('a', { closedAt: asMs(5), checkpoint: checkpoint('a', 3) })
      expect(await auditLogs.logs()).toStrictEqual([registration('A'), closed])
    })

    test('expiry notes the first segment together with its checkpoint', async ({ rig }) => {
      const { auditLogs } = rig.store
      for (const id of ['a', 'b']) await auditLogs.register(registration(id))
      await auditLogs.expireBefore('a', checkpoint('a', 5, 4))
      const expired = registration('a', { firstSegment: 4, checkpoint: checkpoint('a', 5, 4) })
      expect(await auditLogs.logs()).toStrictEqual([expired, registration('b')])
    })
  })

  describe('digests', () => {
    function usage(clientId: string, hour: number, granted: number, denied: number): UsageDigest {
      return { clientId, hour: asMs(hour * hourMs), granted, denied }
    }

    function refusal(clientId: string, at: number, requestId: string): RecentRefusal {
      return { clientId, at: asMs(at), requestId, reason: 'secret.wrong', address: '192.0.2.1' }
    }

    test('counters add up, per client and hour, newest first', async ({ rig }) => {
      const { digests } = rig.store
      await digests.record([usage('acme', 1, 1, 0), usage('acme', 2, 5, 5), usage('ACME', 1, 9, 9)], [], 10)
      await digests.record([usage('acme', 1, 2, 3)], [], 10)
      await digests.record([], [], 10)
      expect(await digests.usage('acme')).toStrictEqual([usage('acme', 2, 5, 5), usage('acme', 1, 3, 3)])
      expect(await digests.usage('ACME')).toStrictEqual([usage('ACME', 1, 9, 9)])
      expect(await digests.usage('unknown')).toEqual([])
    })

    test('one batch may count a client’s hour more than once', async ({ rig }) => {
      const { digests } = rig.store
      await digests.record([usage('acme', 1, 1, 0), usage('other', 1, 0, 1), usage('acme', 1, 2, 3)], [], 10)
      expect(await digests.usage('acme')).toStrictEqual([usage('acme', 1, 3, 3)])
      expect(await digests.usage('other')).toStrictEqual([usage('other', 1, 0, 1)])
    })

    test('counters are kept for ninety days before the newest', async ({ rig }) => {
      const { digests } = rig.store
      const ninetyDays = 90 * 24
      await digests.record([usage('acme', 10, 1, 0), usage('acme', 11, 1, 0)], [], 10)
      await digests.record([usage('other', 10 + ninetyDays, 1, 0)], [], 10)
      expect(await digests.usage('acme')).toHaveLength(2)
      await digests.record([usage('other', 11 + ninetyDays, 1, 0)], [], 10)
      expect(await digests.usage('acme')).toStrictEqual([usage('acme', 11, 1, 0)])
    })

    test('several processes that count the same clients at once neither wait in a circle nor lose a count', async ({
      rig,
    }) => {
      const stores = await rig.writers(3)
      const names = Array.from({ length: 200 }, (_, n) => `c${n}`)
      await Promise.all(
        stores.map(async ({ digests }, s) => {
          const mine = s % 2 === 0 ? names : names.toReversed()
          for (let n = 0; n < 5; n++) {
            const refusals = mine.map((name) => refusal(name, n, `${s}-${n}`))
            await untilTaken(() =>
              digests.record(
                mine.map((name) => usage(name, 1, 1, 0)),
                refusals,
                3,
              ),
            )
          }
        }),
      )
      for (const name of ['c0', 'c100', 'c199']) {
        expect(await rig.store.digests.usage(name)).toStrictEqual([usage(name, 1, 15, 0)])
        expect((await rig.store.digests.recentRefusals(name)).map(({ at }) => Number(at))).toEqual([4, 4, 4])
      }
    })

    test('the newest refusals of each client are kept', async ({ rig }) => {
      const { digests } = rig.store
      await digests.record([], [refusal('acme', 1, 'a'), refusal('acme', 3, 'b'), refusal('other', 1, 'c')], 3)
      await digests.record([], [refusal('acme', 2, 'd'), refusal('acme', 3, 'e'), refusal('acme', 3, 'B')], 3)
      expect(await digests.recentRefusals('acme')).toStrictEqual([
        refusal('acme', 3, 'e'),
        refusal('acme', 3, 'b'),
        refusal('acme', 3, 'B'),
      ])
      expect(await digests.recentRefusals('other')).toStrictEqual([refusal('other', 1, 'c')])
      await digests.record([usage('acme', 1, 1, 1)], [], 1)
      expect(await digests.recentRefusals('acme')).toHaveLength(3)
    })

    test('thousands in one batch', async ({ rig }) => {
      const { digests } = rig.store
      const counters = Array.from({ length: 5000 }, (_, n) => usage(`c${n}`, 1, 1, 0))
      const refusals = Array.from({ length: 5000 }, (_, n) => refusal('acme', n, `r${n}`))
      await digests.record(counters, refusals, 100)
      await digests.record(counters, [], 100)
      expect(await digests.usage('c4999')).toStrictEqual([usage('c4999', 1, 2, 0)])
      expect((await digests.recentRefusals('acme')).map(({ at }) => Number(at))).toEqual(
        Array.from({ length: 100 }, (_, n) => 4999 - n),
      )
    })
  })
}

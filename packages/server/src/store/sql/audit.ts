import type { EpochMs } from '@latchkey/protocol'
import type { Kysely, Selectable } from 'kysely'
import { noRows, type Checkpoint } from '../../audit/log/checkpoint.ts'
import type { AdminEventName, AuditRow } from '../../audit/events.ts'
import type { AuditLogStore, DigestStore, RecentRefusal, UsageDigest } from '../../audit/ports.ts'
import { dialectOf } from './dialect.ts'
import type { Schema } from './schema.ts'

/** Rows of one statement: three to five parameters each, and the smallest limit among the backends is 32,766. */
const maxRowsPerStatement = 1000

export function auditLogStore(db: Kysely<Schema>): AuditLogStore {
  return {
    async logs() {
      const rows = await db.selectFrom('audit_logs').selectAll().orderBy('opened_at').orderBy('id').execute()
      return rows.map((row) => ({
        id: row.id,
        host: row.host,
        openedAt: row.opened_at as EpochMs,
        closedAt: (row.closed_at ?? undefined) as EpochMs | undefined,
        firstSegment: row.first_segment,
        checkpoint: row.checkpoint === null ? undefined : readCheckpoint(row.id, row.checkpoint),
      }))
    },
    async register(log) {
      await db
        .insertInto('audit_logs')
        .values({
          id: log.id,
          host: log.host,
          opened_at: log.openedAt,
          closed_at: log.closedAt ?? null,
          first_segment: log.firstSegment,
          checkpoint: log.checkpoint === undefined ? null : JSON.stringify(log.checkpoint),
        })
        .execute()
    },
    async saveCheckpoint(logId, checkpoint, closedAt) {
      await db
        .updateTable('audit_logs')
        .set({ checkpoint: JSON.stringify(checkpoint), ...(closedAt === undefined ? {} : { closed_at: closedAt }) })
        .where('id', '=', logId)
        .execute()
    },
    async expireBefore(logId, checkpoint) {
      await db
        .updateTable('audit_logs')
        .set({ first_segment: checkpoint.firstSegment, checkpoint: JSON.stringify(checkpoint) })
        .where('id', '=', logId)
        .execute()
    },
    async lastRow() {
      const row = await db
        .selectFrom('audit_rows')
        .select(['sequence', 'mac'])
        .orderBy('sequence', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row ?? noRows
    },
    async rows(afterSequence, limit) {
      const rows = await db
        .selectFrom('audit_rows')
        .selectAll()
        .where('sequence', '>', afterSequence)
        .orderBy('sequence')
        .limit(limit)
        .execute()
      return rows.map((row) => toAuditRow(row))
    },
    async rowsBefore(sequence, until, limit) {
      const rows = await db
        .selectFrom('audit_rows')
        .selectAll()
        .where('sequence', '<', sequence)
        .where('at', '<=', until)
        .orderBy('sequence', 'desc')
        .limit(limit)
        .execute()
      return rows.map((row) => toAuditRow(row))
    },
  }
}

export function digestStore(db: Kysely<Schema>): DigestStore {
  return {
    record: (counters, refusals, keepRefusals) =>
      db.transaction().execute(async (tx) => {
        await dialectOf(tx).giveWay(tx)
        const sums = addUp(counters)
        for (const some of portions(sums)) await addCounters(tx, some)
        for (const some of portions(refusals.toSorted(byClient))) await addRefusals(tx, some)
        await forgetOldCounters(tx, sums)
        for (const clientId of new Set(refusals.toSorted(byClient).map((refusal) => refusal.clientId))) {
          await forgetOldRefusals(tx, clientId, keepRefusals)
        }
      }),
    async recentRefusals(clientId) {
      const rows = await db
        .selectFrom('recent_refusals')
        .selectAll()
        .where('client_id', '=', clientId)
        .orderBy('at', 'desc')
        .orderBy('request_id', 'desc')
        .execute()
      return rows.map((row) => ({
        clientId: row.client_id,
        at: row.at as EpochMs,
        requestId: row.request_id,
        reason: row.reason,
        address: row.address,
      }))
    },
    async usage(clientId) {
      const rows = await db
        .selectFrom('usage_counters')
        .selectAll()
        .where('client_id', '=', clientId)
        .orderBy('hour', 'desc')
        .execute()
      return rows.map((row) => ({
        clientId: row.client_id,
        hour: row.hour as EpochMs,
        granted: row.granted,
        denied: row.denied,
      }))
    },
  }
}

/** Counters kept, in milliseconds before the newest. */
const keptUsageMs = 90 * 86_400_000

/**
 * One row for each client and hour: a statement may touch a row once only. Sorted, so that processes which write the same rows take them in the
 * same order and never wait for each other in a circle.
 */
function addUp(counters: readonly UsageDigest[]): UsageDigest[] {
  const sums = new Map<string, UsageDigest>()
  for (const { clientId, hour, granted, denied } of counters) {
    const key = `${hour} ${clientId}`
    const sum = sums.get(key)
    sums.set(key, {
      clientId,
      hour,
      granted: granted + (sum?.granted ?? 0),
      denied: denied + (sum?.denied ?? 0),
    })
  }
  return [...sums.values()].toSorted((a, b) => byClient(a, b) || a.hour - b.hour)
}

function byClient(a: { readonly clientId: string }, b: { readonly clientId: string }): number {
  if (a.clientId === b.clientId) return 0
  return a.clientId < b.clientId ? -1 : 1
}

async function forgetOldCounters(tx: Kysely<Schema>, counters: readonly UsageDigest[]): Promise<void> {
  const newest = Math.max(...counters.map(({ hour }) => hour))
  if (counters.length > 0)
    await tx
      .deleteFrom('usage_counters')
      .where('hour', '<', newest - keptUsageMs)
      .execute()
}

async function addCounters(tx: Kysely<Schema>, counters: readonly UsageDigest[]): Promise<void> {
  await tx
    .insertInto('usage_counters')
    .values(counters.map(({ clientId, hour, granted, denied }) => ({ client_id: clientId, hour, granted, denied })))
    .onConflict((conflict) =>
      conflict.columns(['client_id', 'hour']).doUpdateSet((set) => ({
        granted: set('usage_counters.granted', '+', set.ref('excluded.granted')),
        denied: set('usage_counters.denied', '+', set.ref('excluded.denied')),
      })),
    )
    .execute()
}

async function addRefusals(tx: Kysely<Schema>, refusals: readonly RecentRefusal[]): Promise<void> {
  await tx
    .insertInto('recent_refusals')
    .values(
      refusals.map(({ clientId, at, requestId, reason, address }) => ({
        client_id: clientId,
        at,
        request_id: requestId,
        reason,
        address,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

async function forgetOldRefusals(tx: Kysely<Schema>, clientId: string, keep: number): Promise<void> {
  await tx
    .deleteFrom('recent_refusals')
    .where('client_id', '=', clientId)
    .where('request_id', 'not in', (from) =>
      from
        .selectFrom('recent_refusals')
        .select('request_id')
        .where('client_id', '=', clientId)
        .orderBy('at', 'desc')
        .orderBy('request_id', 'desc')
        .limit(keep),
    )
    .execute()
}

function* portions<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += maxRowsPerStatement)
    yield items.slice(from, from + maxRowsPerStatement)
}

function toAuditRow(row: Selectable<Schema['audit_rows']>): AuditRow {
  return {
    sequence: row.sequence,
    at: row.at as EpochMs,
    actor: row.actor,
    requestId: row.request_id,
    name: row.event as AdminEventName,
    subject: row.subject,
    details: readDetails(row.details),
    keyId: row.key_id,
    mac: row.mac,
  }
}

/** Only text that reads back to itself is ours: a second member of the same name would be seen by some readers and not by others. */
function readDetails(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && JSON.stringify(value) === text) {
      return value as Readonly<Record<string, unknown>>
    }
  } catch {
    // Answered below.
  }
  return { unreadable: text }
}

/** Reads a checkpoint; what is none comes back with an empty signature, which no key made. */
function readCheckpoint(log: string, text: string): Checkpoint {
  try {
    const value = JSON.parse(text) as Partial<Checkpoint> | null
    if (isCheckpoint(value)) return value
  } catch {
    // Answered below.
  }
  const nowhere = { segment: 0, n: 0, mac: '', row: noRows, firstSegment: 1 }
  return { ...nowhere, log, host: '', after: '', at: 0 as EpochMs, kid: '', signature: '' }
}

function isCheckpoint(value: Partial<Checkpoint> | null): value is Checkpoint {
  if (typeof value !== 'object' || value === null) return false
  const texts = [value.log, value.host, value.after, value.mac, value.kid, value.signature, value.row?.mac]
  const numbers = [value.segment, value.n, value.firstSegment, value.at, value.row?.sequence]
  return texts.every((text) => typeof text === 'string') && numbers.every((number) => Number.isSafeInteger(number))
}

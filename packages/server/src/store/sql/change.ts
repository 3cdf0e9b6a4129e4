import type { Kysely } from 'kysely'
import type { Change, ChangeContext } from '../../audit/change.ts'
import type { AdminEvent, AuditRow } from '../../audit/events.ts'
import { emptyChain } from '../../audit/row-chain.ts'
import type { ClientWrites } from '../../clients/ports.ts'
import { refused, type Result } from '../../kernel/result.ts'
import type { ResourceServerWrites } from '../../resource-servers/ports.ts'
import type { RevocationWrites } from '../../tokens/ports.ts'
import { clientWrites } from './clients.ts'
import { resourceServerWrites } from './resource-servers.ts'
import { revocationWrites } from './revocations.ts'
import type { Schema } from './schema.ts'
import { collectTouched, type ChangeNotice } from './touched.ts'

/** All that a change may write. An operation takes only the slices that it needs. */
export interface ChangeTransaction {
  readonly clients: ClientWrites
  readonly resourceServers: ResourceServerWrites
  readonly revocations: RevocationWrites
}

export interface RowSealer {
  readonly keyId: () => string
  readonly chain: (previousMac: string, row: Omit<AuditRow, 'mac'>) => string
}

/** Carries a refusal out of the transaction, so that it rolls back. */
class RolledBack<R> extends Error {
  readonly refusal: R

  constructor(refusal: R) {
    super('refused')
    this.refusal = refusal
  }
}

/** Runs changes in transactions that end with their audit row; announces what they touched after the commit, never before. */
export function changeRunner(
  db: Kysely<Schema>,
  sealer: RowSealer,
  announce: (notice: ChangeNotice) => Promise<void>,
): Change<ChangeTransaction> {
  return async (context, work) => {
    const touched = collectTouched()
    type Value = Extract<Awaited<ReturnType<typeof work>>, { ok: true }>['value']
    type Refusal = Extract<Awaited<ReturnType<typeof work>>, { ok: false }>['refusal']
    let result: Result<Value, Refusal>
    try {
      const value = await db.transaction().execute(async (tx) => {
        const outcome = await work({
          clients: clientWrites(tx, touched),
          resourceServers: resourceServerWrites(tx, touched),
          revocations: revocationWrites(tx, touched),
        })
        if (!outcome.ok) throw new RolledBack(outcome.refusal)
        await appendRow(tx, sealer, context, outcome.event)
        return outcome.value
      })
      result = { ok: true, value }
    } catch (error) {
      if (!(error instanceof RolledBack)) throw error
      return refused(error.refusal as Refusal)
    }
    await announce(touched.notice())
    return result
  }
}

async function appendRow(
  tx: Kysely<Schema>,
  sealer: RowSealer,
  context: ChangeContext,
  event: AdminEvent,
): Promise<void> {
  const last = await tx
    .selectFrom('audit_rows')
    .select(['sequence', 'mac'])
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst()
  const row = {
    sequence: (last?.sequence ?? 0) + 1,
    at: context.now,
    actor: context.actor,
    requestId: context.requestId,
    name: event.name,
    subject: event.subject,
    details: event.details,
    keyId: sealer.keyId(),
  }
  await tx
    .insertInto('audit_rows')
    .values({
      sequence: row.sequence,
      at: row.at,
      actor: row.actor,
      request_id: row.requestId,
      event: row.name,
      subject: row.subject,
      details: JSON.stringify(row.details),
      key_id: row.keyId,
      mac: sealer.chain(last?.mac ?? emptyChain, row),
    })
    .execute()
}

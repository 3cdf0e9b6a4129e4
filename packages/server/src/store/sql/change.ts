import type { Kysely } from 'kysely'
import type { AnswerWrites } from '../../admin-api/idempotency/ports.ts'
import type { Change, ChangeContext } from '../../audit/change.ts'
import type { AdminEvent, AuditRow } from '../../audit/events.ts'
import { emptyChain } from '../../audit/row-chain.ts'
import type { CertificateWrites } from '../../certificate-authority/ports.ts'
import type { ClientWrites } from '../../clients/ports.ts'
import type { RequestWrites } from '../../access-requests/ports.ts'
import type { LinkWrites } from '../../delivery-links/ports.ts'
import { refused, type Result } from '../../kernel/result.ts'
import type { DataKeyWrites, SigningKeyWrites } from '../../keys/ports.ts'
import type { AddressAlertWrites } from '../../network-policy/ports.ts'
import type { NoticeWrites } from '../../notices/ports.ts'
import type { ResourceServerWrites } from '../../resource-servers/ports.ts'
import type { OwnRevocationWrites, RevocationWrites } from '../../tokens/ports.ts'
import { leaveNotice, takeTurn } from './change-notices.ts'
import { certificateWrites } from './certificates.ts'
import { clientWrites } from './clients.ts'
import { requestWrites } from './access-requests.ts'
import { linkWrites } from './delivery-links.ts'
import { answerWrites } from './idempotency.ts'
import { dataKeyWrites, signingKeyWrites } from './keys.ts'
import { inParts } from './in-parts.ts'
import { addressAlertWrites } from './network-policies.ts'
import { noticeWrites } from './notices.ts'
import { resourceServerWrites } from './resource-servers.ts'
import { revocationWrites } from './revocations.ts'
import type { Schema } from './schema.ts'
import { collectTouched, type ChangeNotice } from './touched.ts'

/** All that a change may write. An operation takes only the slices that it needs. */
export interface ChangeTransaction {
  readonly clients: ClientWrites
  readonly resourceServers: ResourceServerWrites
  readonly revocations: RevocationWrites & OwnRevocationWrites
  readonly signingKeys: SigningKeyWrites
  readonly dataKeys: DataKeyWrites
  readonly answers: AnswerWrites
  readonly notices: NoticeWrites
  readonly links: LinkWrites
  readonly requests: RequestWrites
  readonly certificates: CertificateWrites
  readonly addressAlerts: AddressAlertWrites
}

export interface RowSealer {
  readonly keyId: () => string
  readonly chain: (previousMac: string, row: Omit<AuditRow, 'mac'>) => string
}

/** Hears what a change touched, once it is committed. */
export type Announce = (notice: ChangeNotice, sequence: number) => Promise<void>

/** Carries a refusal out of the transaction, so that it rolls back. */
class RolledBack<R> extends Error {
  readonly refusal: R

  constructor(refusal: R) {
    super('refused')
    this.refusal = refusal
  }
}

/** Runs changes, one at a time on a database, in transactions that end with their audit row; announces what they touched after the commit, never before. */
export function changeRunner(db: Kysely<Schema>, sealer: RowSealer, announce: Announce): Change<ChangeTransaction> {
  return async (context, work) => {
    const touched = collectTouched()
    type Value = Extract<Awaited<ReturnType<typeof work>>, { ok: true }>['value']
    type Refusal = Extract<Awaited<ReturnType<typeof work>>, { ok: false }>['refusal']
    let result: Result<Value, Refusal>
    let sequence = 0
    try {
      const value = await db.transaction().execute(async (tx) => {
        sequence = await takeTurn(tx)
        const outcome = await work({
          clients: clientWrites(tx, touched),
          resourceServers: resourceServerWrites(tx, touched),
          revocations: revocationWrites(tx, touched),
          signingKeys: signingKeyWrites(tx, touched),
          dataKeys: dataKeyWrites(tx),
          answers: answerWrites(tx),
          notices: noticeWrites(tx),
          links: linkWrites(tx),
          requests: requestWrites(tx),
          certificates: certificateWrites(tx),
          addressAlerts: addressAlertWrites(tx),
        })
        if (!outcome.ok) throw new RolledBack(outcome.refusal)
        await appendRows(tx, sealer, context, [...(outcome.parts ?? []), outcome.event])
        await leaveNotice(tx, sequence, context.now, touched.notice())
        return outcome.value
      })
      result = { ok: true, value }
    } catch (error) {
      if (!(error instanceof RolledBack)) throw error
      return refused(error.refusal as Refusal)
    }
    await announce(touched.notice(), sequence)
    return result
  }
}

/** Appends the next row of the administrative chain; within the transaction of what it says. */
export function appendRow(
  tx: Kysely<Schema>,
  sealer: RowSealer,
  context: ChangeContext,
  event: AdminEvent,
): Promise<void> {
  return appendRows(tx, sealer, context, [event])
}

/** Rows of one change, which may be thousands: the chain goes on in memory from the last row. */
async function appendRows(
  tx: Kysely<Schema>,
  sealer: RowSealer,
  context: ChangeContext,
  events: readonly AdminEvent[],
): Promise<void> {
  const last = await tx
    .selectFrom('audit_rows')
    .select(['sequence', 'mac'])
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst()
  let { sequence, mac } = last ?? { sequence: 0, mac: emptyChain }
  const rows = events.map(({ name, subject, details }) => {
    const { now: at, actor, requestId } = context
    sequence += 1
    const row = { sequence, at, actor, requestId, name, subject, details, keyId: sealer.keyId() }
    mac = sealer.chain(mac, row)
    return {
      sequence,
      at,
      actor,
      request_id: requestId,
      event: name,
      subject,
      details: JSON.stringify(details),
      key_id: row.keyId,
      mac,
    }
  })
  for (const part of inParts(rows)) await tx.insertInto('audit_rows').values(part).execute()
}

import type { EpochMs } from '@latchkey/protocol'
import type { ExpressionBuilder, Kysely, Selectable } from 'kysely'
import type { Serial } from '../../certificate-authority/certificate.ts'
import type { ClientId } from '../../clients/client.ts'
import type { CredentialId } from '../../clients/credential.ts'
import type { DeliveryLink, LinkEnding, LinkId } from '../../delivery-links/link.ts'
import type { LinkState } from '../../delivery-links/link-state.ts'
import type { LinkFilter, LinkReads, LinkWrites, PresenceBook } from '../../delivery-links/ports.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import { readPage } from './read-page.ts'
import { dialectOf } from './dialect.ts'
import type { Schema } from './schema.ts'

export function linkReads(db: Kysely<Schema>): LinkReads {
  return {
    find: (id) => findLink(db, id),
    list: (page) => listLinks(db, page),
    async unconfirmed() {
      const rows = await db
        .selectFrom('delivery_links')
        .selectAll()
        .where((where) => isState(where, 'claimed', 0))
        .orderBy('claimed_at')
        .execute()
      return rows.map((row) => toLink(row))
    },
  }
}

export function linkWrites(tx: Kysely<Schema>): LinkWrites {
  return {
    find: (id) => findLink(tx, id),
    async unsettled(clientId) {
      const rows = await tx
        .selectFrom('delivery_links')
        .selectAll()
        .where('client_id', '=', clientId)
        .where('ending', 'is', null)
        .where('confirmed_at', 'is', null)
        .orderBy('created_at')
        .execute()
      return rows.map((row) => toLink(row))
    },
    async insert(link) {
      await tx
        .insertInto('delivery_links')
        .values({
          id: link.id,
          client_id: link.clientId,
          client_name: link.clientName,
          key_digest: link.keyDigest,
          code_digest: link.codeDigest ?? null,
          code_digest_key_id: link.codeDigestKeyId ?? null,
          contact_address: link.contactAddress ?? null,
          request_id: link.requestId ?? null,
          secret_lifetime_seconds: link.secretLifetimeSeconds ?? null,
          secret_name: link.secretName,
          created_at: link.createdAt,
          created_by: link.createdBy,
          expires_at: link.expiresAt,
          csr: link.csr ?? null,
          own_certificate: link.ownCertificate ?? null,
          ...mutableColumns(link),
        })
        .execute()
    },
    async update(link) {
      await tx.updateTable('delivery_links').set(mutableColumns(link)).where('id', '=', link.id).execute()
    },
  }
}

export function presenceBook(db: Kysely<Schema>): PresenceBook {
  /** Nobody waits for it. */
  const byTheWay = (work: (tx: Kysely<Schema>) => Promise<unknown>): Promise<void> =>
    db.transaction().execute(async (tx) => {
      await dialectOf(tx).giveWay(tx)
      await work(tx)
    })
  return {
    note({ processId, seenAt, usesReportedUntil }) {
      const told = { seen_at: seenAt, uses_reported_until: usesReportedUntil }
      return byTheWay((tx) =>
        tx
          .insertInto('presences')
          .values({ process_id: processId, ...told })
          .onConflict((conflict) => conflict.column('process_id').doUpdateSet(told))
          .execute(),
      )
    },
    leave: (processId) => byTheWay((tx) => tx.deleteFrom('presences').where('process_id', '=', processId).execute()),
    async present(heardAfter) {
      await byTheWay((tx) => tx.deleteFrom('presences').where('seen_at', '<=', heardAfter).execute())
      const rows = await db.selectFrom('presences').selectAll().execute()
      return rows.map((row) => ({
        processId: row.process_id,
        seenAt: row.seen_at as EpochMs,
        usesReportedUntil: row.uses_reported_until as EpochMs,
      }))
    },
  }
}

/** Ends every link that is not settled, and answers the credentials that were shown and never confirmed: for a restore. */
export async function endUnsettledLinks(
  tx: Kysely<Schema>,
  ending: LinkEnding,
  now: EpochMs,
): Promise<readonly CredentialId[]> {
  const ended = await tx
    .updateTable('delivery_links')
    .set({ ending, ended_at: now })
    .where('ending', 'is', null)
    .where('confirmed_at', 'is', null)
    .returning(['credential_id', 'key_credential_id'])
    .execute()
  return ended
    .flatMap((row) => [row.credential_id, row.key_credential_id])
    .filter((id) => id !== null) as CredentialId[]
}

async function findLink(db: Kysely<Schema>, id: LinkId): Promise<DeliveryLink | undefined> {
  const row = await db.selectFrom('delivery_links').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toLink(row)
}

async function listLinks(db: Kysely<Schema>, page: PageRequest & LinkFilter): Promise<Page<DeliveryLink>> {
  let query = db.selectFrom('delivery_links').selectAll()
  const { clientId, state } = page
  if (clientId !== undefined) query = query.where('client_id', '=', clientId)
  if (state !== undefined) query = query.where((where) => isState(where, state.is, state.at))
  const { items, nextCursor } = await readPage(query, page, { time: 'created_at', id: 'id', newestFirst: true })
  return { items: items.map((row) => toLink(row)), nextCursor }
}

/** What `linkState` says of a link, for the database. */
function isState(where: ExpressionBuilder<Schema, 'delivery_links'>, state: LinkState, now: number) {
  switch (state) {
    case 'revoked':
      return where('ending', 'in', ['revoked', 'superseded', 'restored'])
    case 'locked':
    case 'undelivered':
    case 'disowned':
      return where('ending', '=', state)
    case 'delivered':
      return where.and([where('ending', 'is', null), where('confirmed_at', 'is not', null)])
    default:
      break
  }
  const isUnsettled = [where('ending', 'is', null), where('confirmed_at', 'is', null)]
  if (state === 'claimed') return where.and([...isUnsettled, where('claimed_at', 'is not', null)])
  const isUnclaimed = [...isUnsettled, where('claimed_at', 'is', null)]
  return where.and([...isUnclaimed, where('expires_at', state === 'expired' ? '<=' : '>', now)])
}

function mutableColumns(link: DeliveryLink) {
  return {
    wrong_codes: link.wrongCodes,
    claimed_at: link.claimedAt ?? null,
    credential_id: link.credentialId ?? null,
    key_credential_id: link.keyCredentialId ?? null,
    certificate_serial: link.certificateSerial ?? null,
    receipt_digest: link.receiptDigest ?? null,
    confirmed_at: link.confirmedAt ?? null,
    ended_at: link.endedAt ?? null,
    ending: link.ending ?? null,
    disowned_at: link.disownedAt ?? null,
  }
}

function toLink(row: Selectable<Schema['delivery_links']>): DeliveryLink {
  return {
    id: row.id as LinkId,
    clientId: row.client_id as ClientId,
    clientName: row.client_name,
    keyDigest: row.key_digest,
    codeDigest: row.code_digest ?? undefined,
    codeDigestKeyId: row.code_digest_key_id ?? undefined,
    wrongCodes: row.wrong_codes,
    contactAddress: row.contact_address ?? undefined,
    requestId: row.request_id ?? undefined,
    secretLifetimeSeconds: row.secret_lifetime_seconds ?? undefined,
    secretName: row.secret_name,
    createdAt: row.created_at as EpochMs,
    createdBy: row.created_by,
    expiresAt: row.expires_at as EpochMs,
    csr: row.csr ?? undefined,
    ownCertificate: row.own_certificate ?? undefined,
    claimedAt: (row.claimed_at ?? undefined) as EpochMs | undefined,
    credentialId: (row.credential_id ?? undefined) as CredentialId | undefined,
    keyCredentialId: (row.key_credential_id ?? undefined) as CredentialId | undefined,
    certificateSerial: (row.certificate_serial ?? undefined) as Serial | undefined,
    receiptDigest: row.receipt_digest ?? undefined,
    confirmedAt: (row.confirmed_at ?? undefined) as EpochMs | undefined,
    endedAt: (row.ended_at ?? undefined) as EpochMs | undefined,
    ending: (row.ending ?? undefined) as LinkEnding | undefined,
    disownedAt: (row.disowned_at ?? undefined) as EpochMs | undefined,
  }
}

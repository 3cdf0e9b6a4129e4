import type { EpochMs } from '@latchkey/protocol'
import type { ExpressionBuilder, Kysely, Selectable } from 'kysely'
import type { Intake, RequestFilter, RequestReads, RequestWrites } from '../../access-requests/ports.ts'
import { overStates } from '../../access-requests/request-state.ts'
import {
  domainOf,
  type AccessRequest,
  type AccessRequestId,
  type Invitation,
  type RequestState,
} from '../../access-requests/request.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import { readPage } from './read-page.ts'
import { dialectOf } from './dialect.ts'
import { noticeWrites } from './notices.ts'
import type { Schema } from './schema.ts'

export function requestReads(db: Kysely<Schema>): RequestReads {
  return {
    find: (id) => findRequest(db, id),
    async keyDigests(id) {
      const rows = await db.selectFrom('access_request_keys').select('digest').where('request_id', '=', id).execute()
      return rows.map(({ digest }) => digest)
    },
    list: (page) => listRequests(db, page),
    findInvitation: (digest) => findInvitation(db, 'key_digest', digest),
    listInvitations: (page) => listInvitations(db, page),
    async overdue(now) {
      const rows = await db
        .selectFrom('access_requests')
        .selectAll()
        .where('state', 'in', ['submitted', 'changes_requested'])
        .where('expires_at', '<=', now)
        .orderBy('expires_at')
        .limit(100)
        .execute()
      return rows.map((row) => toRequest(row))
    },
    async over(before) {
      const rows = await db
        .selectFrom('access_requests')
        .selectAll()
        .where('state', 'in', overStates)
        .where('expires_at', '<=', before)
        .orderBy('expires_at')
        .limit(100)
        .execute()
      return rows.map((row) => toRequest(row))
    },
    async removeUnconfirmed(now) {
      await db.transaction().execute(async (tx) => {
        await dialectOf(tx).giveWay(tx)
        await tx
          .deleteFrom('access_requests')
          .where('submitted_at', 'is', null)
          .where('expires_at', '<=', now)
          .execute()
      })
    },
  }
}

export function requestWrites(tx: Kysely<Schema>): RequestWrites {
  return {
    find: (id) => findRequest(tx, id),
    async insert(request) {
      await tx
        .insertInto('access_requests')
        .values({ id: request.id, created_at: request.createdAt, ...mutableColumns(request) })
        .execute()
    },
    async update(request) {
      await tx.updateTable('access_requests').set(mutableColumns(request)).where('id', '=', request.id).execute()
    },
    async remove(id) {
      await tx.deleteFrom('access_requests').where('id', '=', id).execute()
    },
    async insertKey(id, digest, now) {
      await tx.insertInto('access_request_keys').values({ digest, request_id: id, created_at: now }).execute()
    },
    async countFor(contactAddress, since) {
      const row = await tx
        .selectFrom('access_requests')
        .select((select) => [
          select.fn.countAll().as('domain'),
          select.fn
            .sum(select.case().when('contact_address', '=', contactAddress.toLowerCase()).then(1).else(0).end())
            .as('address'),
        ])
        .where('contact_domain', '=', domainOf(contactAddress))
        .where('created_at', '>', since)
        .executeTakeFirstOrThrow()
      return { address: Number(row.address ?? 0), domain: Number(row.domain) }
    },
    async countUnconfirmed() {
      const row = await tx
        .selectFrom('access_requests')
        .select((select) => select.fn.countAll().as('count'))
        .where('state', '=', 'unconfirmed')
        .executeTakeFirstOrThrow()
      return Number(row.count)
    },
    async useInvitation(digest, now) {
      const row = await tx
        .updateTable('invitations')
        .set((set) => ({ uses: set('uses', '+', 1) }))
        .where('key_digest', '=', digest)
        .where('revoked_at', 'is', null)
        .where('expires_at', '>', now)
        .where((where) => where.or([where('max_uses', 'is', null), where('uses', '<', where.ref('max_uses'))]))
        .returningAll()
        .executeTakeFirst()
      return row === undefined ? undefined : toInvitation(row)
    },
    findInvitationById: (id) => findInvitation(tx, 'id', id),
    async insertInvitation(invitation) {
      await tx
        .insertInto('invitations')
        .values({
          id: invitation.id,
          key_digest: invitation.keyDigest,
          note: invitation.note ?? null,
          created_at: invitation.createdAt,
          created_by: invitation.createdBy,
          expires_at: invitation.expiresAt,
          max_uses: invitation.maxUses ?? null,
          uses: invitation.uses,
          revoked_at: invitation.revokedAt ?? null,
        })
        .execute()
    },
    async revokeInvitation(id, now) {
      await tx.updateTable('invitations').set({ revoked_at: now }).where('id', '=', id).execute()
    },
  }
}

/** See `Intake`. */
export function intake(db: Kysely<Schema>): Intake {
  return (work) =>
    db.transaction().execute(async (tx) => {
      await dialectOf(tx).giveWay(tx)
      return work({ requests: requestWrites(tx), notices: noticeWrites(tx) })
    })
}

async function findRequest(db: Kysely<Schema>, id: AccessRequestId): Promise<AccessRequest | undefined> {
  const row = await db.selectFrom('access_requests').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toRequest(row)
}

async function listRequests(db: Kysely<Schema>, page: PageRequest & RequestFilter): Promise<Page<AccessRequest>> {
  let query = db.selectFrom('access_requests').selectAll().where('submitted_at', 'is not', null)
  const { state } = page
  if (state !== undefined) query = query.where((where) => isState(where, state.is, state.at))
  const { items, nextCursor } = await readPage(query, page, { time: 'submitted_at', id: 'id', newestFirst: false })
  return { items: items.map((row) => toRequest(row)), nextCursor }
}

/** What `requestState` says of a request, for the database. */
function isState(where: ExpressionBuilder<Schema, 'access_requests'>, state: RequestState, now: number) {
  const waits = where('state', 'in', ['submitted', 'changes_requested'])
  if (state === 'expired')
    return where.or([where('state', '=', state), where.and([waits, where('expires_at', '<=', now)])])
  const isSo = where('state', '=', state)
  return state === 'submitted' || state === 'changes_requested'
    ? where.and([isSo, where('expires_at', '>', now)])
    : isSo
}

async function findInvitation(
  db: Kysely<Schema>,
  column: 'id' | 'key_digest',
  value: string,
): Promise<Invitation | undefined> {
  const row = await db.selectFrom('invitations').selectAll().where(column, '=', value).executeTakeFirst()
  return row === undefined ? undefined : toInvitation(row)
}

async function listInvitations(db: Kysely<Schema>, page: PageRequest): Promise<Page<Invitation>> {
  const query = db.selectFrom('invitations').selectAll()
  const { items, nextCursor } = await readPage(query, page, { time: 'created_at', id: 'id', newestFirst: true })
  return { items: items.map((row) => toInvitation(row)), nextCursor }
}

type Content = Pick<AccessRequest, 'form' | 'messages' | 'approvals' | 'decision'>

function mutableColumns(request: AccessRequest) {
  const { form, messages, approvals, decision } = request
  const content: Content = { form, messages, approvals, decision }
  return {
    state: request.state,
    revision: request.revision,
    contact_address: form.contact_address.toLowerCase(),
    contact_domain: domainOf(form.contact_address),
    submitted_at: request.submittedAt ?? null,
    expires_at: request.expiresAt,
    invitation_id: request.invitationId ?? null,
    content: JSON.stringify(content),
  }
}

function toRequest(row: Selectable<Schema['access_requests']>): AccessRequest {
  const { form, messages, approvals, decision } = JSON.parse(row.content) as Content
  return {
    id: row.id as AccessRequestId,
    state: row.state as RequestState,
    revision: row.revision,
    form,
    messages,
    createdAt: row.created_at as EpochMs,
    submittedAt: (row.submitted_at ?? undefined) as EpochMs | undefined,
    expiresAt: row.expires_at as EpochMs,
    invitationId: row.invitation_id ?? undefined,
    approvals,
    decision,
  }
}

function toInvitation(row: Selectable<Schema['invitations']>): Invitation {
  return {
    id: row.id,
    keyDigest: row.key_digest,
    note: row.note ?? undefined,
    createdAt: row.created_at as EpochMs,
    createdBy: row.created_by,
    expiresAt: row.expires_at as EpochMs,
    maxUses: row.max_uses ?? undefined,
    uses: row.uses,
    revokedAt: (row.revoked_at ?? undefined) as EpochMs | undefined,
  }
}

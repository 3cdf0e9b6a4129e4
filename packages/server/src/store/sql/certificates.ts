import type { EpochMs } from '@latchkey/protocol'
import type { Kysely, Selectable } from 'kysely'
import type { IssuedCertificate, RevocationReason, Serial } from '../../certificate-authority/certificate.ts'
import type { CertificateFilter, CertificateReads, CertificateWrites } from '../../certificate-authority/ports.ts'
import type { ClientId } from '../../clients/client.ts'
import type { CredentialId } from '../../clients/credential.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import { authorityReads, authorityWrites } from './authorities.ts'
import { readPage } from './read-page.ts'
import type { Schema } from './schema.ts'

/** An expired certificate stays in the list for a while: for verifiers whose clock is behind. */
const listedAfterEndMs = 86_400_000

export function certificateReads(db: Kysely<Schema>): CertificateReads {
  return {
    ...authorityReads(db),
    find: (serial) => findCertificate(db, 'serial', serial),
    findByThumbprint: (thumbprint) => findCertificate(db, 'thumbprint', thumbprint),
    list: (page) => listCertificates(db, page),
    async revoked(authorityId, now) {
      const rows = await db
        .selectFrom('certificates')
        .select(['serial', 'revoked_at', 'revocation_reason'])
        .where('authority_id', '=', authorityId)
        .where('revoked_at', 'is not', null)
        .where('not_after', '>', now - listedAfterEndMs)
        .orderBy('serial')
        .execute()
      return rows.map((row) => ({
        serial: row.serial as Serial,
        revokedAt: (row.revoked_at ?? undefined) as EpochMs | undefined,
        revocationReason: (row.revocation_reason ?? undefined) as RevocationReason | undefined,
      }))
    },
  }
}

export function certificateWrites(tx: Kysely<Schema>): CertificateWrites {
  return {
    ...authorityReads(tx),
    ...authorityWrites(tx),
    find: (serial) => findCertificate(tx, 'serial', serial),
    findByCredential: (id) => findCertificate(tx, 'credential_id', id),
    async subjectUriOf(clientId) {
      const row = await tx
        .selectFrom('certificates')
        .select('subject_uri')
        .where('client_id', '=', clientId)
        .orderBy('created_at')
        .limit(1)
        .executeTakeFirst()
      return row?.subject_uri
    },
    async insert(certificate) {
      await tx
        .insertInto('certificates')
        .values({
          serial: certificate.serial,
          client_id: certificate.clientId,
          credential_id: certificate.credentialId,
          authority_id: certificate.authorityId,
          certificate: certificate.certificate,
          thumbprint: certificate.thumbprint,
          subject_uri: certificate.subjectUri,
          not_before: certificate.notBefore,
          not_after: certificate.notAfter,
          created_at: certificate.createdAt,
          created_by: certificate.createdBy,
          revoked_at: certificate.revokedAt ?? null,
          revocation_reason: certificate.revocationReason ?? null,
        })
        .execute()
    },
    async update({ serial, revokedAt, revocationReason }) {
      await tx
        .updateTable('certificates')
        .set({ revoked_at: revokedAt ?? null, revocation_reason: revocationReason ?? null })
        .where('serial', '=', serial)
        .execute()
    },
  }
}

/** With their client: nobody is behind them any more. */
export async function revokeCertificatesOf(tx: Kysely<Schema>, clientId: ClientId, now: number): Promise<void> {
  await tx
    .updateTable('certificates')
    .set({ revoked_at: now, revocation_reason: 'cessationOfOperation' })
    .where('client_id', '=', clientId)
    .where('revoked_at', 'is', null)
    .execute()
}

/** Each of these columns names one certificate. */
async function findCertificate(
  db: Kysely<Schema>,
  column: 'serial' | 'thumbprint' | 'credential_id',
  value: string,
): Promise<IssuedCertificate | undefined> {
  const row = await db.selectFrom('certificates').selectAll().where(column, '=', value).executeTakeFirst()
  return row === undefined ? undefined : toCertificate(row)
}

async function listCertificates(
  db: Kysely<Schema>,
  page: PageRequest & CertificateFilter,
): Promise<Page<IssuedCertificate>> {
  let query = db.selectFrom('certificates').selectAll()
  const { clientId, state } = page
  if (clientId !== undefined) query = query.where('client_id', '=', clientId)
  if (state !== undefined) {
    if (state.is === 'revoked') query = query.where('revoked_at', 'is not', null)
    else query = query.where('revoked_at', 'is', null).where('not_after', state.is === 'expired' ? '<=' : '>', state.at)
  }
  const { items, nextCursor } = await readPage(query, page, { time: 'created_at', id: 'serial', newestFirst: true })
  return { items: items.map((row) => toCertificate(row)), nextCursor }
}

function toCertificate(row: Selectable<Schema['certificates']>): IssuedCertificate {
  return {
    serial: row.serial as Serial,
    clientId: row.client_id as ClientId,
    credentialId: row.credential_id as CredentialId,
    authorityId: row.authority_id,
    certificate: row.certificate,
    thumbprint: row.thumbprint,
    subjectUri: row.subject_uri,
    notBefore: row.not_before as EpochMs,
    notAfter: row.not_after as EpochMs,
    createdAt: row.created_at as EpochMs,
    createdBy: row.created_by,
    revokedAt: (row.revoked_at ?? undefined) as EpochMs | undefined,
    revocationReason: (row.revocation_reason ?? undefined) as RevocationReason | undefined,
  }
}

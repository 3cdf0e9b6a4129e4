import type { EpochMs } from '@latchkey/protocol'
import type { Kysely, Selectable } from 'kysely'
import type { Authority, AuthorityRequest, Root } from '../../certificate-authority/authority.ts'
import type { CertificateReads, CertificateWrites } from '../../certificate-authority/ports.ts'
import type { Schema } from './schema.ts'

type AuthorityReads = Pick<CertificateReads, 'authority' | 'authorities' | 'root' | 'authorityRequest'>
type AuthorityWrites = Pick<
  CertificateWrites,
  | 'insertAuthority'
  | 'replaceAuthority'
  | 'insertRoot'
  | 'replaceRoot'
  | 'insertAuthorityRequest'
  | 'deleteAuthorityRequest'
>

/** The certificate authorities of clients: roots and intermediates in one table, a request beside it. */
export function authorityReads(db: Kysely<Schema>): AuthorityReads {
  const intermediates = () => db.selectFrom('certificate_authorities').selectAll().where('kind', '=', 'intermediate')
  return {
    async authority() {
      const row = await intermediates().where('replaced_at', 'is', null).executeTakeFirst()
      return row && toAuthority(row)
    },
    async authorities() {
      const rows = await intermediates().orderBy('created_at').orderBy('id').execute()
      return rows.map((row) => toAuthority(row))
    },
    async root(): Promise<Root | undefined> {
      const row = await db
        .selectFrom('certificate_authorities')
        .selectAll()
        .where('kind', '=', 'root')
        .where('replaced_at', 'is', null)
        .executeTakeFirst()
      return row && { kind: 'root', ...toSealed(row) }
    },
    async authorityRequest(): Promise<AuthorityRequest | undefined> {
      const row = await db.selectFrom('authority_requests').selectAll().executeTakeFirst()
      return (
        row && {
          id: row.id,
          csr: row.csr,
          sealedPrivateKey: row.sealed_private_key,
          dataKeyId: row.data_key_id,
          createdAt: row.created_at as EpochMs,
        }
      )
    },
  }
}

export function authorityWrites(tx: Kysely<Schema>): AuthorityWrites {
  const insert = async (one: Root | Authority) => {
    await tx
      .insertInto('certificate_authorities')
      .values({
        id: one.id,
        kind: one.kind,
        certificate: one.certificate,
        root: one.kind === 'root' ? '' : one.root,
        published_as: one.kind === 'root' ? null : one.publishedAs,
        sealed_private_key: one.sealedPrivateKey,
        data_key_id: one.dataKeyId,
        created_at: one.createdAt,
        not_after: one.notAfter,
        replaced_at: one.kind === 'root' ? null : (one.replacedAt ?? null),
      })
      .execute()
  }
  return {
    insertAuthority: insert,
    insertRoot: insert,
    async replaceAuthority(id, at) {
      await tx.updateTable('certificate_authorities').set({ replaced_at: at }).where('id', '=', id).execute()
    },
    async replaceRoot(at) {
      await tx
        .updateTable('certificate_authorities')
        .set({ replaced_at: at })
        .where('kind', '=', 'root')
        .where('replaced_at', 'is', null)
        .execute()
    },
    async insertAuthorityRequest(request) {
      await tx
        .insertInto('authority_requests')
        .values({
          id: request.id,
          csr: request.csr,
          sealed_private_key: request.sealedPrivateKey,
          data_key_id: request.dataKeyId,
          created_at: request.createdAt,
        })
        .execute()
    },
    async deleteAuthorityRequest(id) {
      await tx.deleteFrom('authority_requests').where('id', '=', id).execute()
    },
  }
}

type Row = Selectable<Schema['certificate_authorities']>

function toAuthority(row: Row): Authority {
  return {
    kind: 'intermediate',
    ...toSealed(row),
    root: row.root,
    publishedAs: row.published_as ?? '',
    replacedAt: (row.replaced_at ?? undefined) as EpochMs | undefined,
  }
}

function toSealed(row: Row): Omit<Root, 'kind'> {
  return {
    id: row.id,
    certificate: row.certificate,
    sealedPrivateKey: row.sealed_private_key,
    dataKeyId: row.data_key_id,
    createdAt: row.created_at as EpochMs,
    notAfter: row.not_after as EpochMs,
  }
}

import { qualifyScope, type EpochMs, type Scope } from '@latchkey/protocol'
import { sql, type Kysely, type Selectable } from 'kysely'
import type { ClientAuthentication } from '../../clients/authentication.ts'
import type { ClientCertificate, SubjectKind } from '../../clients/client-certificate.ts'
import type { Client, ClientId, ClientKind, ClientState } from '../../clients/client.ts'
import type { ClientRecord } from '../../clients/compile.ts'
import type {
  Credential,
  CredentialId,
  CredentialKind,
  CredentialReference,
  Generation,
} from '../../clients/credential.ts'
import type { ClientFilter, ClientReads, ClientWrites, CredentialUses } from '../../clients/ports.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { NetworkPolicy } from '../../network-policy/network-policy.ts'
import { revokeCertificatesOf } from './certificates.ts'
import { readPage } from './read-page.ts'
import { dialectOf, ofOneMoment } from './dialect.ts'
import { inParts } from './in-parts.ts'
import { policiesOf, toPolicy, writePolicy } from './network-policies.ts'
import { readResourceServers } from './resource-servers.ts'
import type { Schema } from './schema.ts'
import type { Touched } from './touched.ts'

export function clientReads(db: Kysely<Schema>): ClientReads {
  return {
    find: (clientId) => ofOneMoment(db, (tx) => findRecord(tx, clientId)),
    list: (page) => ofOneMoment(db, (tx) => listClients(tx, page)),
    findCredential: (id) => findCredential(db, id),
  }
}

export function clientWrites(tx: Kysely<Schema>, touched: Touched): ClientWrites {
  return {
    find: (clientId) => findRecord(tx, clientId),
    findCredential: (id) => findCredential(tx, id),
    all: () => allClients(tx),
    async holders(resourceServer, scopeName) {
      let query = tx
        .selectFrom('client_scopes')
        .select('client_id')
        .distinct()
        .where('resource_server', '=', resourceServer)
      if (scopeName !== undefined) query = query.where('scope', '=', scopeName)
      const rows = await query.orderBy('client_id').execute()
      return rows.map((row) => row.client_id as ClientId)
    },
    async insert(client) {
      touched.client(client.clientId)
      await tx
        .insertInto('clients')
        .values({
          client_id: client.clientId,
          kind: client.kind,
          resource_server: client.resourceServer ?? null,
          created_at: client.createdAt,
          ...mutableColumns(client),
        })
        .execute()
      await insertScopes(tx, client)
      await writePolicy(tx, client)
    },
    async update(client) {
      touched.client(client.clientId)
      await tx.updateTable('clients').set(mutableColumns(client)).where('client_id', '=', client.clientId).execute()
      await tx.deleteFrom('client_scopes').where('client_id', '=', client.clientId).execute()
      await insertScopes(tx, client)
      await writePolicy(tx, client)
    },
    async delete(clientId, at) {
      touched.client(clientId)
      await revokeCertificatesOf(tx, clientId, at)
      await tx.deleteFrom('clients').where('client_id', '=', clientId).execute()
    },
    async insertCredential(credential) {
      touched.client(credential.clientId)
      await tx
        .insertInto('credentials')
        .values({
          id: credential.id,
          reference: credential.reference,
          client_id: credential.clientId,
          kind: credential.kind,
          name: credential.name,
          generation: credential.generation,
          digest: credential.digest ?? null,
          digest_key_id: credential.digestKeyId ?? null,
          parent_id: credential.parentId ?? null,
          created_at: credential.createdAt,
          expires_at: credential.expiresAt ?? null,
          revoked_at: credential.revokedAt ?? null,
          last_used_at: credential.lastUsedAt ?? null,
        })
        .execute()
    },
    async insertRegisteredKey({ credentialId, publicKey }) {
      await tx.insertInto('registered_keys').values({ credential_id: credentialId, public_key: publicKey }).execute()
    },
    async insertRegisteredSubject({ credentialId, subjectKind, subject, anchor }) {
      await tx
        .insertInto('registered_subjects')
        .values({ credential_id: credentialId, kind: subjectKind, subject, anchor })
        .execute()
    },
    async updateCredential(credential) {
      touched.client(credential.clientId)
      await tx
        .updateTable('credentials')
        .set({
          generation: credential.generation,
          expires_at: credential.expiresAt ?? null,
          revoked_at: credential.revokedAt ?? null,
        })
        .where('id', '=', credential.id)
        .execute()
    },
  }
}

export function credentialUses(db: Kysely<Schema>): CredentialUses {
  return {
    async recordUses(uses) {
      if (uses.length === 0) return
      const latest = new Map<string, number>()
      for (const { id, at } of uses) latest.set(id, Math.max(at, latest.get(id) ?? at))
      await db.transaction().execute(async (tx) => {
        await dialectOf(tx).giveWay(tx)
        for (const part of inParts([...latest])) {
          const rows = part.map(([id, at]) => sql`(cast(${id} as text), cast(${at} as bigint))`)
          // Both backends call the columns of a VALUES list so.
          await sql`
            update credentials set last_used_at = column2 from (values ${sql.join(rows)}) as used
            where id = column1 and (last_used_at is null or last_used_at < column2)`.execute(tx)
        }
      })
    },
  }
}

async function findRecord(tx: Kysely<Schema>, clientId: ClientId): Promise<ClientRecord | undefined> {
  const row = await tx
    .selectFrom('clients')
    .leftJoin('network_policies as policy', 'policy.client_id', 'clients.client_id')
    .selectAll('clients')
    .select(['policy.id as policy_id', 'policy.version as policy_version', 'policy.rules as policy_rules'])
    .where('clients.client_id', '=', clientId)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { policy_id: id, policy_version: version, policy_rules: rules } = row
  const policy = id === null || version === null ? undefined : toPolicy({ id, version, rules })
  const [client] = await asClients(tx, [row], new Map(policy && [[clientId, policy]]))
  if (client === undefined) return undefined
  const credentials = await tx
    .selectFrom('credentials')
    .selectAll()
    .where('client_id', '=', clientId)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  const names = await tx
    .selectFrom('client_scopes')
    .select('resource_server')
    .distinct()
    .where('client_id', '=', clientId)
    .execute()
  const resourceServers = await readResourceServers(
    tx,
    names.map((name) => name.resource_server),
  )
  return {
    client,
    credentials: credentials.map((credential) => toCredential(credential)),
    certificates: await certificatesOf(tx, clientId),
    resourceServers,
  }
}

/** Ended ones too: whoever still comes with one is told apart in the audit log. */
async function certificatesOf(tx: Kysely<Schema>, clientId: ClientId): Promise<ClientCertificate[]> {
  const issued = await tx
    .selectFrom('certificates')
    // A certificate outlives its client; the credential that it was does not.
    .innerJoin('credentials', 'credentials.id', 'certificates.credential_id')
    .select(['credential_id', 'thumbprint', 'not_before'])
    .where('credentials.client_id', '=', clientId)
    .orderBy('certificates.created_at')
    .execute()
  const keys = await tx
    .selectFrom('registered_keys')
    .innerJoin('credentials', 'credentials.id', 'registered_keys.credential_id')
    .select(['credential_id', 'public_key'])
    .where('client_id', '=', clientId)
    .orderBy('created_at')
    .execute()
  const subjects = await tx
    .selectFrom('registered_subjects')
    .innerJoin('credentials', 'credentials.id', 'registered_subjects.credential_id')
    .select(['credential_id', 'registered_subjects.kind', 'subject', 'anchor'])
    .where('client_id', '=', clientId)
    .orderBy('created_at')
    .execute()
  return [
    ...issued.map((row): ClientCertificate => ({
      kind: 'issued',
      credentialId: row.credential_id as CredentialId,
      thumbprint: row.thumbprint,
      notBefore: row.not_before as EpochMs,
    })),
    ...keys.map((row): ClientCertificate => ({
      kind: 'key',
      credentialId: row.credential_id as CredentialId,
      publicKey: row.public_key,
    })),
    ...subjects.map((row): ClientCertificate => ({
      kind: 'subject',
      credentialId: row.credential_id as CredentialId,
      subjectKind: row.kind as SubjectKind,
      subject: row.subject,
      anchor: row.anchor,
    })),
  ]
}

async function findCredential(tx: Kysely<Schema>, id: CredentialId): Promise<Credential | undefined> {
  const row = await tx.selectFrom('credentials').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toCredential(row)
}

async function listClients(db: Kysely<Schema>, page: PageRequest & ClientFilter): Promise<Page<Client>> {
  let query = db.selectFrom('clients').selectAll().where('kind', '=', 'client')
  if (page.state !== undefined) query = query.where('state', '=', page.state)
  if (page.scope !== undefined) {
    const [resourceServer, scope] = splitScope(page.scope)
    const holders = db
      .selectFrom('client_scopes')
      .select('client_id')
      .where('resource_server', '=', resourceServer)
      .where('scope', '=', scope)
    query = query.where('client_id', 'in', holders)
  }
  const { items, nextCursor } = await readPage(query, page, { time: 'created_at', id: 'client_id', newestFirst: false })
  const policies = await policiesOf(
    db,
    items.map((row) => row.client_id),
  )
  return { items: await asClients(db, items, policies), nextCursor }
}

async function allClients(db: Kysely<Schema>): Promise<Client[]> {
  const found: Client[] = []
  let cursor: string | undefined
  do {
    const page = await listClients(db, { limit: 1000, cursor })
    found.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return found.toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1))
}

async function asClients(
  db: Kysely<Schema>,
  rows: readonly Selectable<Schema['clients']>[],
  policies: ReadonlyMap<string, NetworkPolicy>,
): Promise<Client[]> {
  if (rows.length === 0) return []
  const ids = rows.map((row) => row.client_id)
  const scopes = await db.selectFrom('client_scopes').selectAll().where('client_id', 'in', ids).execute()
  const byClient = Map.groupBy(scopes, (scope) => scope.client_id)
  return rows.map((row) => ({
    clientId: row.client_id as ClientId,
    name: row.name,
    kind: row.kind as ClientKind,
    resourceServer: row.resource_server ?? undefined,
    state: row.state as ClientState,
    authentication: row.authentication as ClientAuthentication,
    // Sorted here, not there: two databases with different collations must answer alike.
    scopes: (byClient.get(row.client_id) ?? [])
      .map((scope): Scope => qualifyScope(scope.resource_server, scope.scope))
      .toSorted(),
    scopeEnds: Object.fromEntries(
      (byClient.get(row.client_id) ?? []).flatMap((scope) =>
        scope.ends_at === null
          ? []
          : [[qualifyScope(scope.resource_server, scope.scope), scope.ends_at as EpochMs] as const],
      ),
    ),
    contactAddress: row.contact_address ?? undefined,
    network: policies.get(row.client_id),
    tokenTtlSeconds: row.token_ttl_seconds ?? undefined,
    createdAt: row.created_at as EpochMs,
    updatedAt: row.updated_at as EpochMs,
    revision: row.revision,
  }))
}

function mutableColumns(client: Client) {
  return {
    name: client.name,
    state: client.state,
    authentication: client.authentication,
    token_ttl_seconds: client.tokenTtlSeconds ?? null,
    contact_address: client.contactAddress ?? null,
    updated_at: client.updatedAt,
    revision: client.revision,
  }
}

async function insertScopes(tx: Kysely<Schema>, client: Client): Promise<void> {
  const rows = client.scopes.map((scope) => {
    const [resourceServer, name] = splitScope(scope)
    return {
      client_id: client.clientId,
      resource_server: resourceServer,
      scope: name,
      ends_at: client.scopeEnds[scope] ?? null,
    }
  })
  for (const part of inParts(rows)) await tx.insertInto('client_scopes').values(part).execute()
}

/** The resource server's name, and the scope's own. */
function splitScope(scope: Scope): readonly [resourceServer: string, name: string] {
  const slash = scope.indexOf('/')
  return [scope.slice(0, slash), scope.slice(slash + 1)]
}

function toCredential(row: Selectable<Schema['credentials']>): Credential {
  return {
    id: row.id as CredentialId,
    reference: row.reference as CredentialReference,
    clientId: row.client_id as ClientId,
    kind: row.kind as CredentialKind,
    name: row.name,
    generation: row.generation as Generation,
    digest: row.digest ?? undefined,
    digestKeyId: row.digest_key_id ?? undefined,
    parentId: (row.parent_id ?? undefined) as CredentialId | undefined,
    createdAt: row.created_at as EpochMs,
    expiresAt: (row.expires_at ?? undefined) as EpochMs | undefined,
    revokedAt: (row.revoked_at ?? undefined) as EpochMs | undefined,
    lastUsedAt: (row.last_used_at ?? undefined) as EpochMs | undefined,
  }
}

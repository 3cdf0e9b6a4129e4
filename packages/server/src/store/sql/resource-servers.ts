import type { EpochMs } from '@latchkey/protocol'
import type { Kysely } from 'kysely'
import type { ClientId } from '../../clients/client.ts'
import type { ResourceServerReads, ResourceServerWrites } from '../../resource-servers/ports.ts'
import type { ResourceServerRule } from '../../resource-servers/endpoint-rules.ts'
import type { ResourceServer } from '../../resource-servers/resource-server.ts'
import { ofOneMoment } from './dialect.ts'
import { inParts } from './in-parts.ts'
import type { Schema } from './schema.ts'
import type { Touched } from './touched.ts'

export function resourceServerReads(db: Kysely<Schema>): ResourceServerReads {
  return {
    all: () => ofOneMoment(db, (tx) => readResourceServers(tx)),
  }
}

export function resourceServerWrites(tx: Kysely<Schema>, touched: Touched): ResourceServerWrites {
  return {
    all: () => readResourceServers(tx),
    async find(name) {
      const [server] = await readResourceServers(tx, [name])
      return server
    },
    async findByAudience(audience) {
      const row = await tx
        .selectFrom('resource_servers')
        .select('name')
        .where('audience', '=', audience)
        .executeTakeFirst()
      if (row === undefined) return undefined
      const [server] = await readResourceServers(tx, [row.name])
      return server
    },
    async insert(server) {
      touched.catalogue()
      await tx
        .insertInto('resource_servers')
        .values({ name: server.name, created_at: server.createdAt, ...mutableColumns(server) })
        .execute()
      await writeScopes(tx, server)
    },
    async update(server) {
      touched.catalogue()
      await tx.updateTable('resource_servers').set(mutableColumns(server)).where('name', '=', server.name).execute()
      const kept = new Set(server.scopes.map((scope) => scope.name))
      const had = await tx
        .selectFrom('resource_server_scopes')
        .select('name')
        .where('resource_server', '=', server.name)
        .execute()
      for (const part of inParts(had.map(({ name }) => name).filter((name) => !kept.has(name)))) {
        await tx
          .deleteFrom('resource_server_scopes')
          .where('resource_server', '=', server.name)
          .where('name', 'in', part)
          .execute()
      }
      await writeScopes(tx, server)
    },
    async delete(name) {
      touched.catalogue()
      await tx.deleteFrom('resource_servers').where('name', '=', name).execute()
    },
  }
}

/** Reads the named resource servers, or all; sorted by name in code-point order on every backend. */
export async function readResourceServers(tx: Kysely<Schema>, names?: readonly string[]): Promise<ResourceServer[]> {
  if (names === undefined) return sorted(await readSome(tx))
  const servers = []
  for (const part of inParts(names)) servers.push(...(await readSome(tx, part)))
  return sorted(servers)
}

function sorted(servers: readonly ResourceServer[]): ResourceServer[] {
  return servers.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

async function readSome(tx: Kysely<Schema>, names?: readonly string[]): Promise<ResourceServer[]> {
  let query = tx
    .selectFrom('resource_servers')
    .leftJoin('clients', 'clients.resource_server', 'resource_servers.name')
    .selectAll('resource_servers')
    .select('clients.client_id')
  let scopeQuery = tx.selectFrom('resource_server_scopes').selectAll()
  if (names !== undefined) {
    query = query.where('resource_servers.name', 'in', names)
    scopeQuery = scopeQuery.where('resource_server', 'in', names)
  }
  const rows = await query.execute()
  const scopes = Map.groupBy(await scopeQuery.execute(), (scope) => scope.resource_server)
  return rows.map((row) => ({
    name: row.name,
    audience: row.audience,
    exclusive: row.exclusive === 1,
    scopes: (scopes.get(row.name) ?? [])
      .map(({ name, description }) => ({ name, description }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    tokenTtlSeconds: row.token_ttl_seconds ?? undefined,
    endpointRules: readRules(row.endpoint_rules),
    endpointRulesVersion: row.endpoint_rules_version,
    clientId: (row.client_id ?? undefined) as ClientId | undefined,
    createdAt: row.created_at as EpochMs,
    updatedAt: row.updated_at as EpochMs,
    revision: row.revision,
  }))
}

function readRules(text: string): ResourceServerRule[] {
  return (JSON.parse(text) as ResourceServerRule[]).map(({ endpoint, scopes, allowedIp, certificate }) => ({
    endpoint,
    scopes,
    allowedIp,
    certificate,
  }))
}

function mutableColumns(server: ResourceServer) {
  return {
    audience: server.audience,
    exclusive: server.exclusive ? 1 : 0,
    token_ttl_seconds: server.tokenTtlSeconds ?? null,
    endpoint_rules: JSON.stringify(server.endpointRules),
    endpoint_rules_version: server.endpointRulesVersion,
    updated_at: server.updatedAt,
    revision: server.revision,
  }
}

async function writeScopes(tx: Kysely<Schema>, server: ResourceServer): Promise<void> {
  for (const part of inParts(server.scopes)) {
    await tx
      .insertInto('resource_server_scopes')
      .values(part.map(({ name, description }) => ({ resource_server: server.name, name, description })))
      .onConflict((conflict) =>
        conflict
          .columns(['resource_server', 'name'])
          .doUpdateSet((set) => ({ description: set.ref('excluded.description') })),
      )
      .execute()
  }
}

import { qualifyScope, type Scope } from '@latchkey/protocol'
import type { ResourceServer } from './resource-server.ts'

/** All resource servers, as the token path knows them: immutable. */
export interface Catalogue {
  readonly byName: ReadonlyMap<string, ResourceServer>
  readonly byAudience: ReadonlyMap<string, ResourceServer>
  readonly scopes: ReadonlySet<Scope>
}

export function compileCatalogue(servers: readonly ResourceServer[]): Catalogue {
  return {
    byName: new Map(servers.map((server) => [server.name, server])),
    byAudience: new Map(servers.map((server) => [server.audience, server])),
    scopes: new Set(servers.flatMap((server) => server.scopes.map((scope) => qualifyScope(server.name, scope.name)))),
  }
}

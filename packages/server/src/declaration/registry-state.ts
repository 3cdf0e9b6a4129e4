import type { Client } from '../clients/client.ts'
import type { ClientReads } from '../clients/ports.ts'
import type { ResourceServerReads } from '../resource-servers/ports.ts'
import type { ResourceServer } from '../resource-servers/resource-server.ts'

/** What there is, as far as a declaration speaks of it. */
export interface RegistryState {
  /** Latchkey's own among them, if it is kept like the others. */
  readonly resourceServers: readonly ResourceServer[]
  /** Partners' clients, sorted by client_id; not the credentials of resource servers. */
  readonly clients: readonly Client[]
}

export interface RegistryReads {
  readonly clients: Pick<ClientReads, 'list'>
  readonly resourceServers: ResourceServerReads
}

const pageSize = 1000

/** Reads it page by page, outside any transaction: what is decided on it is decided again before anything is changed. */
export async function readRegistry(reads: RegistryReads): Promise<RegistryState> {
  const resourceServers = await reads.resourceServers.all()
  const clients: Client[] = []
  let cursor: string | undefined
  do {
    const page = await reads.clients.list({ limit: pageSize, cursor })
    clients.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return { resourceServers, clients: clients.toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1)) }
}

import type { ResourceServer } from './resource-server.ts'

/** What this room reads outside a change. There are few resource servers: they are always read whole. */
export interface ResourceServerReads {
  /** Sorted by name. */
  all(): Promise<ResourceServer[]>
}

export interface ResourceServerWrites {
  /** Sorted by name. */
  all(): Promise<ResourceServer[]>
  find(name: string): Promise<ResourceServer | undefined>
  findByAudience(audience: string): Promise<ResourceServer | undefined>
  insert(server: ResourceServer): Promise<void>
  /** Replaces everything but name and creation time. Scopes that are gone must not be held by a client any more. */
  update(server: ResourceServer): Promise<void>
  delete(name: string): Promise<void>
}

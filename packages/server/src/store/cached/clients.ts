import type { ClientId } from '../../clients/client.ts'
import { compileClient } from '../../clients/compile.ts'
import type { CompiledClient } from '../../clients/compiled-client.ts'
import type { ClientReads } from '../../clients/ports.ts'
import type { ClientLookup } from '../../token-endpoint/authenticate/authenticate-client.ts'
import type { ChangeNotice } from '../sql/touched.ts'
import type { Contact } from './contact.ts'

export interface CachedClients extends ClientLookup {
  /**
   * Forgets what a committed change made out of date, and reads again in the background the clients of it that were in memory: a database that goes away the next
   * moment must not take those along that were changed the moment before. Larger changes are read again as they are asked for.
   */
  invalidate(notice: ChangeNotice): void
  /** How many are in memory. */
  size(): number
}

const alwaysInContact = { isRecent: () => true }

/** Compiled clients kept in memory; about 2 kB each. */
const maxClients = 100_000

/** Clients of one change that are read again at once; more would stand in the way of everybody else's reads. */
const maxReadAgain = 20

/**
 * Compiled clients in memory, the least recently loaded forgotten first. A read that was under way while its client changed is not kept: what
 * it saw may be older than the change. Without contact to the database they are believed for a while, and then asked for again: what is away
 * cannot say that a client was disabled.
 */
export function cachedClients(reads: ClientReads, contact: Pick<Contact, 'isRecent'> = alwaysInContact): CachedClients {
  const memory = new Map<ClientId, CompiledClient>()
  const changedAt = new Map<ClientId, number>()
  let generation = 0
  let everythingChangedAt = 0
  let loading = 0

  async function load(clientId: ClientId): Promise<CompiledClient | undefined> {
    const began = generation
    loading++
    try {
      const record = await reads.find(clientId)
      const isCurrent = everythingChangedAt <= began && (changedAt.get(clientId) ?? 0) <= began
      if (record === undefined) {
        if (isCurrent) memory.delete(clientId)
        return undefined
      }
      const compiled = compileClient(record)
      if (isCurrent) remember(clientId, compiled)
      return compiled
    } finally {
      loading--
      // Nobody is reading who could have begun before these changes.
      if (loading === 0) changedAt.clear()
    }
  }

  return {
    cached: (clientId) => (contact.isRecent() ? memory.get(clientId) : undefined),
    size: () => memory.size,
    load,
    invalidate(notice) {
      generation++
      if (notice.catalogue) {
        everythingChangedAt = generation
        memory.clear()
      }
      const known = notice.clients.filter((clientId) => memory.delete(clientId))
      if (loading > 0) for (const clientId of notice.clients) changedAt.set(clientId, generation)
      if (known.length > maxReadAgain) return
      // One that cannot be read is read when it is asked for.
      for (const clientId of known) load(clientId).catch(() => undefined)
    },
  }

  function remember(clientId: ClientId, compiled: CompiledClient): void {
    memory.delete(clientId)
    memory.set(clientId, compiled)
    if (memory.size <= maxClients) return
    const oldest = memory.keys().next()
    if (oldest.done !== true) memory.delete(oldest.value)
  }
}

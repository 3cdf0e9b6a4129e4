import type { Change } from '../audit/change.ts'
import type { ClientId } from '../clients/client.ts'
import type { ClientWrites } from '../clients/ports.ts'
import { refuseChange } from '../kernel/refusal.ts'
import type { ResourceServerWrites } from '../resource-servers/ports.ts'

interface Revisioned {
  readonly clients: Pick<ClientWrites, 'find'>
  readonly resourceServers: Pick<ResourceServerWrites, 'find'>
}

type Find = (tx: Revisioned) => Promise<{ readonly revision: number } | undefined>

/** Finds the client that a change is about. */
export function clientRevision(clientId: ClientId): Find {
  return async ({ clients }) => (await clients.find(clientId))?.client
}

/** Finds the resource server that a change is about. */
export function resourceServerRevision(name: string): Find {
  return ({ resourceServers }) => resourceServers.find(name)
}

/**
 * A change that is made only while its subject still has the revision that the caller has seen; any revision when `expected` is absent. Judged in
 * the transaction of the change, so that of two callers who saw the same revision one wins. Refuses with `revision.stale`; what does not exist is
 * left to the operation to refuse.
 */
export function atRevision<Tx extends Revisioned>(
  change: Change<Tx>,
  find: Find,
  expected: number | undefined,
): Change<Tx> {
  if (expected === undefined) return change
  return (context, work) =>
    change(context, async (tx) => {
      const current = (await find(tx))?.revision
      if (current === undefined || current === expected) return work(tx)
      const message = `it has revision ${current} now, not ${expected}: read it again`
      const { refusal } = refuseChange('revision.stale', message, 'revision')
      return { ok: false, refusal: { ...refusal, revision: current } as never }
    })
}

import type { EpochMs } from '@latchkey/protocol'
import type { Change, ChangeContext } from '../audit/change.ts'
import type { ClientId } from '../clients/client.ts'
import type { ClientWrites } from '../clients/ports.ts'
import { done, refused } from '../kernel/result.ts'
import type { Notifier } from '../notices/notifier.ts'
import type { NoticeWrites } from '../notices/ports.ts'
import type { AddressAlertWrites } from './ports.ts'

interface Transaction {
  readonly clients: Pick<ClientWrites, 'find'>
  readonly notices: NoticeWrites
  readonly addressAlerts: AddressAlertWrites
}

export interface AlertDesk {
  readonly change: Change<Transaction>
  readonly notifier: Notifier
}

/** A refusal of a client that proved who it is. */
export interface RefusedAddress {
  readonly clientId: string
  readonly requestId: string
  readonly address: string
}

/** Tells the team that right credentials come from wrong places: the best sign of a leak that there is. */
export interface AddressAlerts {
  /** A map update: this may stand on the path of a request. */
  note(refusal: RefusedAddress): void
  /** Queues a notice for each client, at most one an hour. Rejects with Fault `store.unavailable`; what is not told yet is kept for the next time. */
  flush(context: () => ChangeContext): Promise<void>
}

/** Between two notices about one client, whichever processes refuse it, in milliseconds. */
const quietMs = 3_600_000

/** Clients in memory; beyond it further ones wait until these are told. */
const maxClients = 10_000

interface Gathered extends RefusedAddress {
  readonly count: number
}

export function addressAlerts({ change, notifier }: AlertDesk): AddressAlerts {
  const gathered = new Map<string, Gathered>()
  const quietUntil = new Map<string, number>()

  /** Refuses with the last alert when that is too near. */
  function tell({ clientId, ...refusal }: Gathered, context: ChangeContext) {
    const id = clientId as ClientId
    return change<EpochMs, EpochMs>(context, async (tx) => {
      const before = await tx.addressAlerts.lastAlert(id)
      if (before !== undefined && before + quietMs > context.now) return refused(before)
      const record = await tx.clients.find(id)
      if (record === undefined) return refused(context.now)
      const { name: clientName } = record.client
      await tx.addressAlerts.noteAlert(id, context.now)
      const words = { clientId, clientName, ...refusal }
      const notice = { kind: 'network.address_refused', about: clientId, words, secret: undefined } as const
      await notifier.queue(tx, { kind: 'team' }, notice, context.now)
      const details = { address: refusal.address, request: refusal.requestId, refused: refusal.count }
      return { ...done(context.now), event: { name: 'network.team_alerted', subject: clientId, details } }
    })
  }

  return {
    note(refusal) {
      const before = gathered.get(refusal.clientId)
      if (before === undefined && gathered.size >= maxClients) return
      gathered.set(refusal.clientId, { ...refusal, count: (before?.count ?? 0) + 1 })
    },
    async flush(context) {
      for (const refusal of gathered.values()) {
        const at = context()
        if ((quietUntil.get(refusal.clientId) ?? 0) <= at.now) {
          const told = await tell(refusal, at)
          quietUntil.set(refusal.clientId, (told.ok ? told.value : told.refusal) + quietMs)
        }
        // Only now: what could not be told is told next time.
        gathered.delete(refusal.clientId)
      }
      for (const [clientId, end] of quietUntil) if (end <= context().now) quietUntil.delete(clientId)
    },
  }
}

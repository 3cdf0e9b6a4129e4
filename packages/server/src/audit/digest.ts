import type { EpochMs } from '@latchkey/protocol'
import type { ClientId } from '../clients/client.ts'
import type { CredentialId } from '../clients/credential.ts'
import type { CredentialUses } from '../clients/ports.ts'
import type { Clock } from '../kernel/clock.ts'
import { describeError } from '../kernel/faults.ts'
import type { Logger } from '../kernel/log.ts'
import type { DigestStore, RecentRefusal, UsageDigest } from './ports.ts'
import { takeTurns } from './take-turns.ts'

export interface DigestOptions {
  readonly store: DigestStore
  readonly uses: CredentialUses
  readonly clock: Clock
  readonly logger: Logger
  /** A second by default. */
  readonly flushIntervalMs?: number
}

/** The part of a grant that is counted. */
export interface CountedGrant {
  readonly client: { readonly clientId: ClientId }
  readonly credentials: readonly { readonly id: CredentialId }[]
}

/** Counts and remembers for the console, `whoami` and diagnosis; written behind, and lost with the process up to a second. Never evidence. */
export interface Digest {
  /** Two or three map updates: this stands on the path of every token. */
  noteGrant(grant: CountedGrant): void
  /** Only for callers who authenticated: the client must exist. */
  noteRefusal(refusal: RecentRefusal): void
  /** Kept among the refusals, and not counted as one: it passed. */
  noteReport(report: RecentRefusal): void
  /** Every use of a credential before this moment is in the database. Stands still for good once one had to be dropped. */
  usesReportedUntil(): EpochMs
  /** Writes what has gathered. Never rejects: what the store does not take is kept, up to a limit, for the next time. */
  flush(): Promise<void>
  /** Stops the timer and flushes. */
  close(): Promise<void>
}

/** How many refusals of each client are kept. */
export const keptRefusals = 20
/** Clients and hours, and clients with refusals, in memory while the store is away; about 10 MB at most each. Beyond it news is dropped. */
const maxEntries = 50_000
/**
 * Credentials that were used, in memory while the store is away: about 30 MB at most, and more than clients in memory can have used without it.
 * Whether a claim was delivered hangs on them, so none is dropped and then taken for none.
 */
const maxUses = 250_000
const hourMs = 3_600_000

interface Counter {
  granted: number
  denied: number
}

interface Batch {
  /** By hour, then by client. */
  readonly counters: Map<number, Map<string, Counter>>
  counterCount: number
  readonly refusals: Map<string, RecentRefusal[]>
  readonly uses: Map<CredentialId, EpochMs>
}

/** Opens a digest that flushes itself each second. */
export function createDigest(options: DigestOptions): Digest {
  const { store, uses, clock, logger } = options
  const inTurn = takeTurns()
  let batch = emptyBatch()
  let isAway = false
  let reportedUntil = clock.now()
  let lostUses = false

  async function flushNow(): Promise<void> {
    const full = batch
    const begun = clock.now()
    if (full.counterCount === 0 && full.uses.size === 0) {
      reportUntil(begun)
      return
    }
    batch = emptyBatch()
    const [recorded, used] = await Promise.allSettled([
      store.record(listCounters(full), [...full.refusals.values()].flat(), keptRefusals),
      uses.recordUses([...full.uses].map(([id, at]) => ({ id, at }))),
    ])
    if (recorded.status === 'rejected') {
      for (const { clientId, hour, granted, denied } of listCounters(full)) add(clientId, hour, granted, denied)
      const newer = [...batch.refusals.values()].flat()
      batch.refusals.clear()
      for (const refusal of [...full.refusals.values(), newer].flat()) remember(refusal)
    }
    if (used.status === 'fulfilled') reportUntil(begun)
    else for (const [id, at] of full.uses) if (!batch.uses.has(id)) use(id, at)
    report([recorded, used].find((outcome) => outcome.status === 'rejected'))
  }

  function reportUntil(moment: EpochMs): void {
    if (!lostUses) reportedUntil = moment
  }

  function report(failure: PromiseRejectedResult | undefined): void {
    if (failure !== undefined && !isAway) {
      logger.warn(
        { error: describeError(failure.reason) },
        'counters and last-used times wait: the database does not take them',
      )
    }
    isAway = failure !== undefined
  }

  function add(clientId: string, hour: number, granted: number, denied: number): void {
    let clients = batch.counters.get(hour)
    if (clients === undefined) {
      clients = new Map()
      batch.counters.set(hour, clients)
    }
    const counter = clients.get(clientId)
    if (counter !== undefined) {
      counter.granted += granted
      counter.denied += denied
    } else if (batch.counterCount < maxEntries) {
      batch.counterCount++
      clients.set(clientId, { granted, denied })
    }
  }

  function remember(refusal: RecentRefusal): void {
    const refusals = batch.refusals.get(refusal.clientId)
    if (refusals === undefined) {
      if (batch.refusals.size < maxEntries / keptRefusals) batch.refusals.set(refusal.clientId, [refusal])
    } else {
      refusals.push(refusal)
      if (refusals.length > keptRefusals) refusals.shift()
    }
  }

  function use(id: CredentialId, at: EpochMs): void {
    if (batch.uses.size < maxUses || batch.uses.has(id)) batch.uses.set(id, at)
    else if (!lostUses) {
      lostUses = true
      logger.error(
        { credentials: maxUses },
        'uses of more credentials than are kept in memory wait for the database: until this process is restarted, no unconfirmed claim is revoked',
      )
    }
  }

  const flush = (): Promise<void> => inTurn(flushNow)
  const timer = setInterval(() => void flush(), options.flushIntervalMs ?? 1000)
  timer.unref()

  return {
    noteGrant({ client, credentials }) {
      const now = clock.now()
      add(client.clientId, now - (now % hourMs), 1, 0)
      for (const { id } of credentials) use(id, now)
    },
    noteRefusal(refusal) {
      add(refusal.clientId, refusal.at - (refusal.at % hourMs), 0, 1)
      remember(refusal)
    },
    noteReport: remember,
    usesReportedUntil: () => reportedUntil,
    flush,
    close() {
      clearInterval(timer)
      return flush()
    },
  }
}

function emptyBatch(): Batch {
  return { counters: new Map(), counterCount: 0, refusals: new Map(), uses: new Map() }
}

function listCounters({ counters }: Batch): UsageDigest[] {
  return [...counters].flatMap(([hour, clients]) =>
    [...clients].map(([clientId, counter]) => ({ clientId, hour: hour as EpochMs, ...counter })),
  )
}

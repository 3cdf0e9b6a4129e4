import { Gauge, type Registry } from 'prom-client'

/** What is asked for its state at each scrape. Times are milliseconds since 1970. */
export interface GaugeSources {
  now(): number
  cachedClients(): number
  /** When the database was last reached. */
  storeContactAt(): number
  revocationSequence(): number
  /** Verifiers that follow the feed as a stream. */
  revocationStreams(): number
  /** Open connections, by listener. */
  connections(): Promise<Readonly<Record<string, number>>>
  signingKeys(): readonly {
    readonly state: string
    readonly algorithm: string
    readonly createdAt: number
    readonly activatedAt: number | undefined
  }[]
  /** When the TLS certificate ends; undefined without TLS. */
  certificateEndsAt(): number | undefined
  auditIsWritable(): boolean
  /** Since when checkpoints wait for the database; undefined when they do not. */
  checkpointsWaitSince(): number | undefined
}

/** Of several processes, the worst is what matters for ages; numbers of things are added. */
export function keepGauges(sources: GaugeSources, registers: Registry[]): void {
  const ageSeconds = (since: number): number => Math.max(0, sources.now() - since) / 1000
  const gauge = (name: string, help: string, aggregator: 'sum' | 'max' | 'min', value: () => number): void => {
    new Gauge({
      name,
      help,
      aggregator,
      registers,
      collect() {
        this.set(value())
      },
    })
  }
  gauge('latchkey_cached_clients', 'Clients in memory.', 'sum', () => sources.cachedClients())
  gauge('latchkey_store_contact_age_seconds', 'Since the database was last reached.', 'max', () =>
    ageSeconds(sources.storeContactAt()),
  )
  gauge('latchkey_revocation_sequence', 'Newest entry of the revocation feed.', 'min', () =>
    sources.revocationSequence(),
  )
  gauge('latchkey_revocation_streams', 'Verifiers that follow the feed as a stream.', 'sum', () =>
    sources.revocationStreams(),
  )
  gauge('latchkey_audit_writable', '1 while token events can be recorded; at 0 no token is issued.', 'min', () =>
    sources.auditIsWritable() ? 1 : 0,
  )
  gauge(
    'latchkey_audit_checkpoint_wait_seconds',
    'How long audit checkpoints have waited for the database.',
    'max',
    () => {
      const since = sources.checkpointsWaitSince()
      return since === undefined ? 0 : ageSeconds(since)
    },
  )
  new Gauge({
    name: 'latchkey_connections',
    help: 'Open connections.',
    labelNames: ['listener'],
    registers,
    async collect() {
      for (const [listener, count] of Object.entries(await sources.connections())) this.set({ listener }, count)
    },
  })
  new Gauge({
    name: 'latchkey_signing_key_age_seconds',
    help: 'Of the oldest key in each state: since it signs, or since it was made.',
    labelNames: ['state', 'algorithm'],
    aggregator: 'max',
    registers,
    collect() {
      this.reset()
      const oldest = new Map<string, { state: string; algorithm: string; age: number }>()
      for (const { state, algorithm, createdAt, activatedAt } of sources.signingKeys()) {
        const age = ageSeconds(activatedAt ?? createdAt)
        const key = `${state} ${algorithm}`
        if (age >= (oldest.get(key)?.age ?? 0)) oldest.set(key, { state, algorithm, age })
      }
      for (const { age, ...labels } of oldest.values()) this.set(labels, age)
    },
  })
  new Gauge({
    name: 'latchkey_tls_certificate_expiry_timestamp_seconds',
    help: 'When the TLS certificate in use ends. Absent without TLS.',
    aggregator: 'min',
    registers,
    collect() {
      this.remove()
      const endsAt = sources.certificateEndsAt()
      if (endsAt !== undefined) this.set(Math.floor(endsAt / 1000))
    },
  })
}

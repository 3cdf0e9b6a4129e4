import { mkdtempSync, rmSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { EpochMs } from '@latchkey/protocol'
import type { Kysely } from 'kysely'
import { newRequestId, type RequestId } from '../kernel/ids.ts'
import { createLogger, type Logger } from '../kernel/log.ts'
import { systemRandom } from '../kernel/random.ts'
import { openKeys, type OpenedKeys } from '../keys/open-keys.ts'
import { migrate } from '../store/migrations/index.ts'
import { auditLogStore } from '../store/sql/audit.ts'
import { changeRunner } from '../store/sql/change.ts'
import { keyStore } from '../store/sql/keys.ts'
import type { Schema } from '../store/sql/schema.ts'
import { openSqlite } from '../store/sqlite.ts'
import type { Checkpoint } from './log/checkpoint.ts'
import type { AdminEvent } from './events.ts'
import { openAudit, type Audit, type AuditOptions } from './log/open-audit.ts'
import type { AuditLogStore } from './ports.ts'
import type { VerificationReport } from './verify/report.ts'
import { chainRow } from './row-chain.ts'
import type { TokenEvent } from './log/token-events.ts'

/** A clock that tests set. */
export interface SetClock {
  now(): EpochMs
  advance(ms: number): void
}

export const startOfTests = Date.UTC(2026, 0, 1) as EpochMs

export function setClock(): SetClock {
  let now: number = startOfTests
  return {
    now: () => now as EpochMs,
    advance: (ms) => {
      now += ms
    },
  }
}

/** One data directory with a real database and real keys. */
export interface AuditHouse {
  readonly folder: string
  readonly directory: string
  readonly db: Kysely<Schema>
  readonly keys: OpenedKeys
  readonly store: AuditLogStore
  readonly clock: SetClock
  /** Log lines so far. */
  readonly lines: Record<string, unknown>[]
  readonly logger: Logger
  open(options?: Partial<AuditOptions>): Promise<Audit>
  /** Appends one administrative row. */
  change(subject: string, event?: AdminEvent): Promise<void>
  remove(): Promise<void>
}

export const masterKeyOfTests: Uint8Array = Buffer.alloc(32, 7)

export async function auditHouse(
  folder: string = mkdtempSync(path.join(tmpdir(), 'latchkey-audit-')),
): Promise<AuditHouse> {
  const clock = setClock()
  const random = systemRandom()
  const db = openSqlite(path.join(folder, 'latchkey.db'))
  await migrate(db)
  const keys = await openKeys(keyStore(db), masterKeyOfTests, random, clock)
  const lines: Record<string, unknown>[] = []
  const logger = createLogger('info', {
    write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  })
  const { dataKeys } = keys
  const sealer = { keyId: () => dataKeys.current('audit-mac'), chain: chainRow.bind(undefined, dataKeys) }
  const runner = changeRunner(db, sealer, () => Promise.resolve())
  const store = auditLogStore(db)
  const directory = path.join(folder, 'audit')
  return {
    folder,
    directory,
    db,
    keys,
    store,
    clock,
    lines,
    logger,
    open: (options) =>
      openAudit({
        directory,
        host: 'here',
        dataKeys,
        checkpointKey: keys.signingKeys.checkpoint,
        store,
        sync: 'interval',
        clock,
        monotonic: () => clock.now(),
        random,
        logger,
        checkpointIntervalMs: 3_600_000,
        ...options,
      }),
    async change(subject, event) {
      const context = { actor: 'local-socket', requestId: newRequestId(random, clock.now()), now: clock.now() }
      await runner(context, () =>
        Promise.resolve({
          ok: true,
          value: undefined,
          event: event ?? { name: 'client.created', subject, details: { client_id: subject } },
        }),
      )
    },
    async remove() {
      await db.destroy()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const random = systemRandom()

export function tokenEvent(clock: SetClock, clientId = 'client-a', event: Partial<TokenEvent> = {}): TokenEvent {
  return {
    event: 'token.granted',
    at: clock.now(),
    requestId: newRequestId(random, clock.now()),
    clientId,
    address: '192.0.2.7',
    details: { scope: 'configurations/read', jti: 'x'.repeat(16) },
    ...event,
  }
}

/** Appends `sizes.length` groups of these sizes. Answers the request ids in order. */
export async function appendGroups(audit: Audit, clock: SetClock, sizes: readonly number[]): Promise<RequestId[]> {
  const ids: RequestId[] = []
  for (const size of sizes) {
    const events = Array.from({ length: size }, () => tokenEvent(clock))
    await audit.append(events)
    ids.push(...events.map((event) => event.requestId as RequestId))
    clock.advance(1000)
  }
  return ids
}

export async function readLines(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8')).split('\n').slice(0, -1)
}

export async function writeLines(file: string, lines: readonly string[]): Promise<void> {
  await writeFile(file, lines.map((line) => `${line}\n`).join(''))
}

/** A segment as groups of lines, each ending with its seal. */
export async function readGroupLines(file: string): Promise<string[][]> {
  const groups: string[][] = []
  let group: string[] = []
  for (const line of await readLines(file)) {
    group.push(line)
    if (!line.startsWith('{"seal"')) continue
    groups.push(group)
    group = []
  }
  return groups
}

export async function segmentNames(directory: string): Promise<string[]> {
  return (await readdir(directory)).toSorted()
}

export function problemKinds(report: VerificationReport): string[] {
  return [
    ...new Set(report.findings.filter(({ severity }) => severity === 'problem').map(({ kind }) => kind)),
  ].toSorted()
}

export function warningKinds(report: VerificationReport): string[] {
  return report.findings.filter(({ severity }) => severity === 'warning').map(({ kind }) => kind)
}

/** The checkpoint that the database has of a log. */
export async function checkpointOf(house: AuditHouse, logId: string): Promise<Checkpoint> {
  const checkpoint = (await house.store.logs()).find(({ id }) => id === logId)?.checkpoint
  if (checkpoint === undefined) throw new Error(`no checkpoint of log ${logId}`)
  return checkpoint
}

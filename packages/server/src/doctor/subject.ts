import type { DoctorFinding } from '../admin-api/services.ts'
import type { LogRegistration } from '../audit/ports.ts'
import type { Config } from '../config/config.ts'
import type { IgnoredForwarding } from '../http/peer.ts'
import type { LifecycleRules } from '../keys/key-lifecycle.ts'
import type { SigningKeyRing } from '../keys/signing-keys.ts'
import type { NoticeCounts } from '../notices/ports.ts'
import type { Clock } from '../kernel/clock.ts'

/** What the doctor looks at inside a running server. */
export interface DoctorSubject {
  readonly config: Config
  readonly issuer: string
  readonly clock: Clock
  /** Whether the clock has gone as far as time has, since the start. */
  readonly isSteady: () => boolean
  readonly keys: () => SigningKeyRing
  readonly keyRules: LifecycleRules
  readonly auditProblem: () => string | undefined
  readonly auditLogs: () => Promise<readonly LogRegistration[]>
  /** Whether a log was registered by this server, or one of its workers. */
  readonly isOwnLog: (host: string) => boolean
  /** The TLS certificate in use; undefined without TLS. */
  readonly certificate: () => ServerCertificateFacts | undefined
  /** That of the listener that asks for certificates; undefined without one. */
  readonly mtlsCertificate: () => ServerCertificateFacts | undefined
  /** The authority of clients' certificates; undefined before there is one. */
  readonly authority: () => Promise<AuthorityFacts | undefined>
  readonly ignoredForwarding: () => (IgnoredForwarding & { readonly count: number }) | undefined
  readonly socketPath: () => string | undefined
  readonly database: {
    check(): Promise<string>
    /** Milliseconds since 1970 by the clock of the database; undefined where it has none of its own. */
    now(): Promise<number | undefined>
    lastAuditTime(): Promise<number | undefined>
    /** When the last row of this event was recorded. */
    lastTimeOf(event: string): Promise<number | undefined>
    expiringSecrets(): Promise<
      readonly { readonly clientId: string; readonly id: string; readonly expiresAt: number }[]
    >
    noticeCounts(): Promise<NoticeCounts>
    /** Throws Fault `schema.newer`. */
    pendingMigrations(): Promise<readonly string[]>
  }
}

export interface AuthorityFacts {
  /** Milliseconds since 1970. */
  readonly notAfter: number
  /** Whether another can be made here, or has to be brought. */
  readonly isOurs: boolean
}

export interface ServerCertificateFacts {
  /** Milliseconds since 1970. */
  readonly notAfter: number
  covers(host: string): boolean
}

export type Finding = Omit<DoctorFinding, 'check'>

/** One thing that is looked at. What it throws is a finding. */
export type Look = (subject: DoctorSubject) => Promise<Finding> | Finding

export function fine(message: string): Finding {
  return { status: 'ok', message }
}

export function warning(message: string, remedy: string): Finding {
  return { status: 'warning', message, remedy }
}

export function failed(message: string, remedy: string): Finding {
  return { status: 'failed', message, remedy }
}

export const dayMs = 86_400_000

/** How long ago or from now, in whole days. */
export function days(ms: number): number {
  return Math.floor(Math.abs(ms) / dayMs)
}

import type { EpochMs } from '@latchkey/protocol'

/** Which audit entries to list: administrative rows and token events together, newest first. */
export interface AuditQuery {
  /** 1 to 1000. */
  readonly limit: number
  readonly cursor?: string | undefined
  readonly clientId?: string | undefined
  readonly requestId?: string | undefined
  /** An event's name, or the part before its dot: `token.denied`, `client`. */
  readonly event?: string | undefined
  readonly since?: EpochMs | undefined
}

/** One entry of either kind. */
export interface AuditEntry {
  readonly at: EpochMs
  readonly event: string
  readonly requestId: string
  /** `local-socket`, an administrator's or the calling client's client_id; empty for a caller that did not prove who it is: see `claimed_client_id`. */
  readonly actor: string
  /** What it happened to. */
  readonly subject: string
  readonly details: Readonly<Record<string, unknown>>
}

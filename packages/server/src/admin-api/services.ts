import type { Readable } from 'node:stream'
import type { EpochMs, EpochSeconds } from '@latchkey/protocol'
import type { RequestDesk } from '../access-requests/desk.ts'
import type { RequestWrites } from '../access-requests/ports.ts'
import type { Change, ChangeContext } from '../audit/change.ts'
import type { AuditQuery, AuditEntry } from '../audit/list/query.ts'
import type { VerificationReport } from '../audit/verify/report.ts'
import type { CertificateReads, CertificateWrites } from '../certificate-authority/ports.ts'
import type { ClientId } from '../clients/client.ts'
import type { ClientReads, ClientWrites } from '../clients/ports.ts'
import type { CredentialMaker } from '../clients/secrets.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Page } from '../kernel/page.ts'
import type { Random } from '../kernel/random.ts'
import type { ChangeRefusal } from '../kernel/refusal.ts'
import type { Result } from '../kernel/result.ts'
import type { KeyAdministration } from '../keys/key-administration.ts'
import type { LinkReads, LinkWrites } from '../delivery-links/ports.ts'
import type { NetworkVerdict } from '../network-policy/compiled-network.ts'
import type { ApiCall } from '../network-policy/evaluate.ts'
import type { Notifier } from '../notices/notifier.ts'
import type { NoticeWrites } from '../notices/ports.ts'
import type { ResourceServerReads, ResourceServerWrites } from '../resource-servers/ports.ts'
import type { RevocationWrites } from '../tokens/ports.ts'
import type { Authority } from './access/caller.ts'
import type { AnswerWrites } from './idempotency/ports.ts'

/** What a token request is asked with, beside who asks. */
export interface GrantQuestion {
  readonly clientId: ClientId
  /** The `scope` parameter as it would be sent. */
  readonly scope?: string | undefined
  readonly resources?: readonly string[] | undefined
  /** Where the client would call from, in its one spelling; absent: not asked. */
  readonly address?: string | undefined
  /** Beside it: a call of an API. */
  readonly call?: CallQuestion | undefined
}

export interface CallQuestion {
  readonly api: string
  /** Undefined: any call. */
  readonly endpoint: ApiCall | undefined
}

/** What the network policy says, apart from everything else. */
export interface PlacePreview {
  readonly address?: NetworkVerdict | undefined
  readonly call?: NetworkVerdict | undefined
}

/** What `client test` answers: what would happen, and the precise reason when it would be refused. */
export type GrantPreview = PlacePreview & GrantDecision

export type GrantDecision =
  | {
      readonly granted: true
      readonly scopes: readonly string[]
      readonly audience: readonly string[]
      readonly expiresInSeconds: number
    }
  | { readonly granted: false; readonly reason: string; readonly error: string; readonly explanation: string }

export interface LocalToken {
  readonly accessToken: string
  readonly expiresInSeconds: number
  readonly scope: string
}

/** What `token inspect` answers about any string, whoever issued it. */
export interface TokenInspection {
  readonly active: boolean
  /** Why it is not active, precisely; undefined when it is. */
  readonly reason: string | undefined
  readonly header: Readonly<Record<string, unknown>> | undefined
  readonly claims: Readonly<Record<string, unknown>> | undefined
}

export interface DoctorFinding {
  readonly check: string
  readonly status: 'ok' | 'warning' | 'failed'
  readonly message: string
  /** What to do; absent when it is ok. */
  readonly remedy?: string | undefined
}

/** Everything that the admin API stands on. `compose.ts` fills it. */
export interface AdminServices {
  readonly clock: Clock
  readonly random: Random
  readonly maker: CredentialMaker
  readonly issuer: string
  readonly tokenEndpoint: string
  /** Of the server package. */
  readonly version: string
  readonly change: Change<{
    readonly clients: ClientWrites
    readonly resourceServers: ResourceServerWrites
    readonly revocations: RevocationWrites
    readonly answers: AnswerWrites
    readonly notices: NoticeWrites
    readonly links: LinkWrites
    readonly requests: RequestWrites
    readonly certificates: CertificateWrites
  }>
  readonly certificates: CertificateReads
  /** Its `change` is the server's own: an operation uses that of its request. */
  readonly requests: RequestDesk
  readonly links: LinkReads
  readonly notifier: Notifier
  readonly clients: ClientReads
  readonly resourceServers: ResourceServerReads
  readonly tokens: {
    preview(question: GrantQuestion): Promise<Result<GrantPreview, ChangeRefusal>>
    /** Issues under the client's built-in credential; audited. Refuses with `access.beyond_own` for a client that holds more than `authority`. */
    issueLocally(
      context: ChangeContext,
      authority: Authority,
      question: GrantQuestion,
    ): Promise<Result<LocalToken, ChangeRefusal>>
    inspect(token: string): Promise<TokenInspection>
    /** Refuses with `token.not_ours`, `token.expired`. */
    revoke(
      context: ChangeContext,
      token: string,
    ): Promise<Result<{ readonly jti: string; readonly expiresAt: EpochSeconds }, ChangeRefusal>>
  }
  readonly keys: KeyAdministration
  readonly audit: {
    list(query: AuditQuery): Promise<Page<AuditEntry>>
    verify(): Promise<VerificationReport>
  }
  readonly doctor: () => Promise<readonly DoctorFinding[]>
  /** Begins a backup; audited. The stream is its file; when it fails, what was read of it is worth nothing. */
  readonly takeBackup: (context: ChangeContext) => Promise<Readable>
  readonly startedAt: EpochMs
}

import type { EpochMs, Scope } from '@latchkey/protocol'
import type { Client, ClientId } from '../clients/client.ts'
import type { ResourceServer } from '../resource-servers/resource-server.ts'
import type { DeclaredClient, DeclaredResourceServer } from './declaration.ts'

/** One resource server that is not yet, or no longer, as it shall be. Without `before` it is created, without `after` deleted. */
export interface ResourceServerStep {
  readonly kind: 'resource_server'
  readonly id: string
  readonly before: ResourceServer | undefined
  readonly after: DeclaredResourceServer | undefined
  readonly endsTokensOf: readonly ClientId[]
}

/** One client, likewise. */
export interface ClientStep {
  readonly kind: 'client'
  readonly id: ClientId
  readonly before: Client | undefined
  readonly after: DeclaredClient | undefined
  readonly endsTokensOf: readonly ClientId[]
}

export type Step = ResourceServerStep | ClientStep

/** Why a document cannot be applied. `field` is a dotted path within it, or empty. */
export interface PlanProblem {
  readonly field: string
  readonly message: string
}

export interface Plan {
  /** Resource servers before clients, each by name; nothing that would change nothing. */
  readonly steps: readonly Step[]
  /** What there is and the declaration does not name, and what is not deleted for it. */
  readonly notInFile: { readonly resourceServers: readonly string[]; readonly clients: readonly ClientId[] }
  /** When there are any, nothing is done. */
  readonly problems: readonly PlanProblem[]
}

export interface PlanOptions {
  /** Delete what the declaration's sections do not name. Never Latchkey's own resource server, nor a client that administrates. */
  readonly prune: boolean
  /** Whether the caller may give and take this scope of Latchkey's own resource server. */
  readonly mayAdminister: (scope: Scope) => boolean
  /** Decides which addresses of a network policy have ended. */
  readonly now: EpochMs
  /** Names that the audit log uses for callers who are no clients. */
  readonly reservedClientIds: ReadonlySet<string>
}

/** Latchkey's own resource server: built in, and no declaration's to change. */
export const ownResourceServer = 'latchkey'

const ownPrefix = `${ownResourceServer}/`

/** Whether a client holds scopes of the admin API. */
export function administrates(client: Pick<Client, 'scopes'>): boolean {
  return client.scopes.some((scope) => scope.startsWith(ownPrefix))
}

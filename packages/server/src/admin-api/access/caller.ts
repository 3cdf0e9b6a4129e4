import type { Scope } from '@latchkey/protocol'

/** Which `latchkey/…` scopes a caller holds at this moment, and may therefore hand on: all of them, or those of its token. */
export type Authority = 'all' | ReadonlySet<Scope>

/** Who calls an operation. */
export interface Caller {
  /** As the audit log names it: `local-socket`, or the client_id of an administrator's token. */
  readonly actor: string
  readonly authority: Authority
}

/** Whoever can open the local socket: the owner of the server's data could do everything anyway. */
export const localCaller: Caller = { actor: 'local-socket', authority: 'all' }

/** Names in the audit log that are no client's: a client with such an id could pass for what it is not. */
export const reservedActors: ReadonlySet<string> = new Set([localCaller.actor, 'latchkey', 'console', 'portal'])

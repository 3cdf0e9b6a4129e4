import { adminResourceServer } from '@latchkey/admin-contract'
import { resourceServerOf, type Scope } from '@latchkey/protocol'
import type { Client } from '../../clients/client.ts'
import { refuseChange, type ChangeRefusal } from '../../kernel/refusal.ts'
import type { Authority } from './caller.ts'

/** Whether this is a scope of the admin API. */
export function isAdminScope(scope: Scope): boolean {
  return resourceServerOf(scope) === adminResourceServer
}

/** The first admin scope that the caller does not hold itself; undefined when there is none. */
export function scopeBeyond(authority: Authority, scopes: Iterable<Scope>): Scope | undefined {
  if (authority === 'all') return undefined
  for (const scope of scopes) if (isAdminScope(scope) && !authority.has(scope)) return scope
  return undefined
}

/** Refuses when a client holds an admin scope that the caller does not: whoever can act as that client could do more than the caller may. */
export function refuseBeyond(
  authority: Authority,
  client: Pick<Client, 'clientId' | 'scopes'>,
  field?: string,
): ChangeRefusal | undefined {
  const beyond = scopeBeyond(authority, client.scopes)
  if (beyond === undefined) return undefined
  return beyondRefusal(`${client.clientId} holds ${beyond}, which this token does not have`, field)
}

export function beyondRefusal(message: string, field?: string): ChangeRefusal {
  return refuseChange('access.beyond_own', message, field).refusal
}

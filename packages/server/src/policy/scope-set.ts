import type { EpochMs, Scope } from '@latchkey/protocol'
import type { CompiledResourceServer, ScopeSet } from '../clients/compiled-client.ts'

/** Joins scopes and their resource servers into what a token carries; keeps the order. */
export function scopeSet(
  grants: readonly (readonly [Scope, CompiledResourceServer])[],
  scopeEnds: ReadonlyMap<Scope, EpochMs>,
): ScopeSet {
  const scopes = grants.map(([scope]) => scope)
  const servers = [...new Map(grants.map(([, server]) => [server.name, server])).values()]
  const audiences = servers.map((server) => server.audience)
  const lifetimes = servers.flatMap((server) => server.tokenTtlSeconds ?? [])
  const ends = scopeEnds.size === 0 ? [] : scopes.flatMap((scope) => scopeEnds.get(scope) ?? [])
  const [onlyAudience] = audiences
  return {
    scopes,
    text: scopes.join(' '),
    servers,
    audience: audiences.length === 1 && onlyAudience !== undefined ? onlyAudience : audiences,
    tokenTtlSeconds: lifetimes.length === 0 ? undefined : Math.min(...lifetimes),
    endsAt: ends.length === 0 ? undefined : (Math.min(...ends) as EpochMs),
  }
}

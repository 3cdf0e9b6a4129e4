import type { EpochMs, Scope } from '@latchkey/protocol'

/** Until when scopes are held; one that is not named has no end. A plain object, as clients also travel as JSON. */
export type ScopeEnds = Readonly<Partial<Record<Scope, EpochMs>>>

/** Unix milliseconds, or Infinity. */
export function endOfScope(ends: ScopeEnds, scope: Scope): number {
  return ends[scope] ?? Infinity
}

export function scopeEndEntries(ends: ScopeEnds): readonly (readonly [Scope, EpochMs])[] {
  return Object.entries(ends) as [Scope, EpochMs][]
}

/** The ends of these scopes alone, in whole seconds. */
export function endsOfScopes(scopes: readonly Scope[], ends: ScopeEnds = {}): ScopeEnds {
  return Object.fromEntries(
    scopeEndEntries(ends).flatMap(([scope, end]) =>
      scopes.includes(scope) ? [[scope, (Math.floor(end / 1000) * 1000) as EpochMs]] : [],
    ),
  )
}

/** Whether one of these scopes is held for longer with `after` than with `before`. */
export function endsLater(scopes: readonly Scope[], before: ScopeEnds, after: ScopeEnds): boolean {
  return scopes.some((scope) => endOfScope(after, scope) > endOfScope(before, scope))
}

export function isSameEnds(before: ScopeEnds, after: ScopeEnds): boolean {
  const ends = scopeEndEntries(after)
  return scopeEndEntries(before).length === ends.length && ends.every(([scope, end]) => before[scope] === end)
}

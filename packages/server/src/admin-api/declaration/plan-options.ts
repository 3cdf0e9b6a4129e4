import type { PlanOptions } from '../../declaration/plan.ts'
import { scopeBeyond } from '../access/authority.ts'
import { reservedActors } from '../access/caller.ts'
import type { OperationContext } from '../operation.ts'

/**
 * How a declaration is planned for this caller. What a caller may hand on is judged again at every write; here so that the plan can say it,
 * with its place in the document.
 */
export function planOptions(
  { authority, services }: OperationContext,
  { prune = false }: { readonly prune?: boolean | undefined },
): PlanOptions {
  return {
    prune,
    now: services.clock.now(),
    mayAdminister: (scope) => scopeBeyond(authority, [scope]) === undefined,
    reservedClientIds: reservedActors,
  }
}

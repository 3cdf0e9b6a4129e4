import type { AdminContract, OperationInput, OperationOutput } from '@latchkey/admin-contract'
import type { ChangeContext } from '../audit/change.ts'
import type { ChangeRefusal } from '../kernel/refusal.ts'
import type { RequestId } from '../kernel/ids.ts'
import type { Result } from '../kernel/result.ts'
import type { Caller } from './access/caller.ts'
import type { AdminServices } from './services.ts'

/** What every operation is handed beside its input. */
export interface OperationContext extends Caller {
  /** Their `change` is this request's own: it knows what the caller may, and whether this is a repetition. */
  readonly services: AdminServices
  readonly requestId: RequestId
}

/**
 * One operation of the contract: validated input in, the contract's shape or a refusal out. It knows nothing of HTTP. Throws a Fault when
 * the store or the audit log fails.
 */
export type Operation<Noun extends keyof AdminContract, Verb extends keyof AdminContract[Noun]> = (
  context: OperationContext,
  input: OperationInput<AdminContract[Noun][Verb]>,
) => Promise<Result<OperationOutput<AdminContract[Noun][Verb]>, ChangeRefusal>>

/** Who asks for a change, and when: now. */
export function changeContext(context: OperationContext): ChangeContext {
  return { actor: context.actor, requestId: context.requestId, now: context.services.clock.now() }
}

import type { ChangeContext } from '../audit/change.ts'
import type { ChangeRefusal } from '../kernel/refusal.ts'
import type { Result } from '../kernel/result.ts'
import type { LifecycleRules } from './key-lifecycle.ts'
import type { KeyOutcome } from './manage-keys.ts'
import type { SigningKey } from './signing-keys.ts'

/** What administrators and the clock do with the keys of a running server. */
export interface KeyAdministration {
  readonly rules: LifecycleRules
  /** Every token key, as this process knows them. */
  all(): readonly SigningKey[]
  rotate(context: ChangeContext): Promise<Result<KeyOutcome, never>>
  /** Refuses with `key.unknown`. */
  revoke(context: ChangeContext, kid: string): Promise<Result<KeyOutcome, ChangeRefusal>>
  /** Does what the schedule says is due. Runs each second by itself. */
  keepSchedule(): Promise<void>
}

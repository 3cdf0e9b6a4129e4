import type { Change, ChangeContext } from '../audit/change.ts'
import type { AdminEvent } from '../audit/events.ts'
import type { CredentialMaker } from '../clients/secrets.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import type { ResourceServerTransaction } from '../resource-servers/resource-server-changes.ts'
import type { Declaration } from './declaration.ts'
import { planDigest, stepAction } from './describe-plan.ts'
import { makePlan } from './make-plan.ts'
import { performPlan } from './perform-plan.ts'
import type { Plan, PlanOptions } from './plan.ts'
import { readRegistry, type RegistryReads } from './registry-state.ts'

export interface ApplyOptions extends PlanOptions {
  /** Only this plan, or nothing; undefined: whatever is to be done now. */
  readonly digest: string | undefined
}

interface Registry {
  readonly reads: RegistryReads
  readonly change: Change<ResourceServerTransaction>
  readonly maker: CredentialMaker
}

/**
 * Makes the registry what the declaration says, in one change with a row of the audit log for each step and one for the whole; answers what
 * was done. When there is nothing to do, nothing is written. Refuses with `declaration.impossible`, naming the first reason,
 * and with `declaration.stale` when it is not the plan that was asked for.
 */
export async function applyDeclaration(
  { reads, change, maker }: Registry,
  context: ChangeContext,
  declaration: Declaration,
  options: ApplyOptions,
): Promise<Result<Plan, ChangeRefusal>> {
  const expected = checkPlan(makePlan(declaration, await readRegistry(reads), options), options)
  if (!expected.ok || expected.value.steps.length === 0) return expected
  return change(context, async (tx) => {
    const state = { resourceServers: await tx.resourceServers.all(), clients: await tx.clients.all() }
    const checked = checkPlan(makePlan(declaration, state, options), options)
    if (!checked.ok) return checked
    const plan = checked.value
    const performed = await performPlan(tx, maker, context, plan.steps)
    if (!performed.ok) return performed
    return { ...done(plan), parts: performed.value, event: appliedEvent(plan, options) }
  })
}

function checkPlan(plan: Plan, { digest }: ApplyOptions): Result<Plan, ChangeRefusal> {
  const [problem, ...others] = plan.problems
  if (problem !== undefined) {
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`
    const field = problem.field === '' ? undefined : `document.${problem.field}`
    return refuseChange('declaration.impossible', `${problem.message}${more}`, field)
  }
  if (digest !== undefined && digest !== planDigest(plan)) {
    return refuseChange('declaration.stale', 'something was changed since the plan was made', 'digest')
  }
  return done(plan)
}

/** The rows of the steps, under the same request id, say what each was before and after. */
function appliedEvent(plan: Plan, { prune }: PlanOptions): AdminEvent {
  const count = (action: string) => plan.steps.filter((step) => stepAction(step) === action).length
  return {
    name: 'declaration.applied',
    subject: planDigest(plan),
    details: {
      created: count('create'),
      updated: count('update'),
      deleted: count('delete'),
      tokens_ended_of: new Set(plan.steps.flatMap((step) => step.endsTokensOf)).size,
      prune,
    },
  }
}

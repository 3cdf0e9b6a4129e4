import { planDigest } from '../../declaration/describe-plan.ts'
import { makePlan } from '../../declaration/make-plan.ts'
import { readRegistry } from '../../declaration/registry-state.ts'
import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { declarationOf, stepShape } from './declaration-shapes.ts'
import { planOptions } from './plan-options.ts'

/** `POST /declaration/plan`: what cannot be applied is an answer too, with every reason. */
export const planDeclaration: Operation<'declaration', 'plan'> = async (context, { body }) => {
  const plan = makePlan(declarationOf(body.document), await readRegistry(context.services), planOptions(context, body))
  const { resourceServers, clients } = plan.notInFile
  return done({
    digest: planDigest(plan),
    steps: plan.steps.map((step) => stepShape(step)),
    not_in_file: { resource_servers: [...resourceServers], clients: [...clients] },
    problems: plan.problems.map((problem) => ({ ...problem })),
  })
}

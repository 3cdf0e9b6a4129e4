import * as declaration from '../../declaration/apply-declaration.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { declarationOf, stepShape } from './declaration-shapes.ts'
import { planOptions } from './plan-options.ts'

/** `POST /declaration/apply`. Refuses with `declaration.impossible`, `declaration.stale`. */
export const applyDeclaration: Operation<'declaration', 'apply'> = async (context, { body }) => {
  const { services } = context
  const { change, maker } = services
  const applied = await declaration.applyDeclaration(
    { reads: services, change, maker },
    changeContext(context),
    declarationOf(body.document),
    { ...planOptions(context, body), digest: body.digest },
  )
  return applied.ok ? done({ steps: applied.value.steps.map((step) => stepShape(step)) }) : applied
}

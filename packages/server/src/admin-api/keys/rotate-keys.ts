import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { hastyKeyWarning } from './hasty-key.ts'

/** `POST /keys/rotate`. */
export const rotateKeys: Operation<'keys', 'rotate'> = async (context) => {
  const rotated = await context.services.keys.rotate(changeContext(context))
  if (!rotated.ok) return rotated
  const { activated, retired, created, removed, isHasty } = rotated.value
  const changes = { activated, retired, created: [...created], removed: [...removed] }
  return done(isHasty ? { ...changes, warning: hastyKeyWarning } : changes)
}

import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { hastyKeyWarning } from './hasty-key.ts'

/** `POST /keys/{kid}/revoke`. Refuses with `key.unknown`. */
export const revokeKey: Operation<'keys', 'revoke'> = async (context, { params }) => {
  const revoked = await context.services.keys.revoke(changeContext(context), params.kid)
  if (!revoked.ok) return revoked
  const { activated, created, removed, isHasty } = revoked.value
  const changes = { revoked: params.kid, activated, created: [...created], removed: [...removed] }
  return done(isHasty ? { ...changes, warning: hastyKeyWarning } : changes)
}

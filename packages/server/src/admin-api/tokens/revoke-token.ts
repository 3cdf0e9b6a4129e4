import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'

/** `POST /tokens/revoke`. Refuses with `token.not_ours`, `token.expired`. */
export const revokeToken: Operation<'tokens', 'revoke'> = async (context, { body }) => {
  const revoked = await context.services.tokens.revoke(changeContext(context), body.token)
  return revoked.ok ? done({ jti: revoked.value.jti, expires_at: revoked.value.expiresAt }) : revoked
}

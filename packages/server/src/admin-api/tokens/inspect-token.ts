import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'

/** `POST /tokens/inspect`: about any string, whoever issued it. */
export const inspectToken: Operation<'tokens', 'inspect'> = async ({ services }, { body }) => {
  const { active, reason, header, claims } = await services.tokens.inspect(body.token)
  return done({ active, reason, header: header && { ...header }, claims: claims && { ...claims } })
}

import { toSeconds } from '@latchkey/protocol'
import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { optionalSeconds } from '../shapes.ts'

/** `GET /keys`: the public face of the token signing keys. */
export const listKeys: Operation<'keys', 'list'> = ({ services }) => {
  const items = services.signingKeys().map(({ kid, algorithm, state, createdAt, activatedAt }) => ({
    kid,
    algorithm,
    state,
    created_at: toSeconds(createdAt),
    activated_at: optionalSeconds(activatedAt),
  }))
  return Promise.resolve(done({ items }))
}

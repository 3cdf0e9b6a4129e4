import { toSeconds, type EpochMs } from '@latchkey/protocol'
import { done } from '../../kernel/result.ts'
import { nextRotationAt, readyAt, removedAt } from '../../keys/key-lifecycle.ts'
import type { Operation } from '../operation.ts'
import { optionalSeconds } from '../shapes.ts'

/** `GET /keys`: the public face of the token signing keys, oldest first. */
export const listKeys: Operation<'keys', 'list'> = ({ services }) => {
  const { rules } = services.keys
  const keys = services.keys.all()
  const items = keys.map((key) => ({
    kid: key.kid,
    algorithm: key.algorithm,
    state: key.state,
    created_at: toSeconds(key.createdAt),
    activated_at: optionalSeconds(key.activatedAt),
    retired_at: optionalSeconds(key.retiredAt),
    revoked_at: optionalSeconds(key.revokedAt),
    ready_at: optionalSeconds(readyAt(key, rules) as EpochMs | undefined),
    removed_at: optionalSeconds(removedAt(key, rules) as EpochMs | undefined),
  }))
  const next = nextRotationAt(keys, rules) as EpochMs | undefined
  return Promise.resolve(done({ items, next_rotation_at: optionalSeconds(next) }))
}

import { toSeconds } from '@latchkey/protocol'
import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'

/** `GET /status`. */
export const getStatus: Operation<'server', 'status'> = ({ services }) => {
  const { issuer, tokenEndpoint, version, startedAt } = services
  return Promise.resolve(done({ issuer, token_endpoint: tokenEndpoint, version, started_at: toSeconds(startedAt) }))
}

import type { EpochMs } from '@latchkey/protocol'
import type { AccessRequest, RequestState } from './request.ts'

/** What people do with a request. */
export type RequestAct = 'confirm' | 'amend' | 'withdraw' | 'ask' | 'approve' | 'reject'

/** How long an unconfirmed request is kept, and how long one waits for the next step. */
export const confirmWithinMs: number = 86_400_000
export const waitsMs: number = 30 * 86_400_000

const possible: Readonly<Record<RequestState, readonly RequestAct[]>> = {
  unconfirmed: ['confirm', 'withdraw'],
  submitted: ['amend', 'withdraw', 'ask', 'approve', 'reject'],
  changes_requested: ['amend', 'withdraw', 'ask', 'approve', 'reject'],
  approved: [],
  partly_approved: [],
  rejected: [],
  withdrawn: [],
  expired: [],
}

/** Whether nothing can happen to a request in this state any more. */
export function isOver(state: RequestState): boolean {
  return possible[state].length === 0
}

/** The states in which nothing can happen any more. */
export const overStates: readonly RequestState[] = (Object.keys(possible) as RequestState[]).filter((state) =>
  isOver(state),
)

/** What a request is at a moment. */
export function requestState(
  { state, expiresAt }: Pick<AccessRequest, 'state' | 'expiresAt'>,
  now: EpochMs,
): RequestState {
  return possible[state].length > 0 && expiresAt <= now ? 'expired' : state
}

export function mayDo(act: RequestAct, state: RequestState): boolean {
  return possible[state].includes(act)
}

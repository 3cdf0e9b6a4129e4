import type { AccessRequestStatus } from '@latchkey/portal-contract'
import type { Answer, Problem } from '../shell/api.ts'
import type { KeyedPlace } from '../shell/keyed-place.ts'

/** What every part of the status page works on. */
export interface RequestProps {
  readonly place: KeyedPlace
  readonly request: AccessRequestStatus
  readonly problem: Problem | undefined
  readonly onAnswer: (answer: Answer<AccessRequestStatus>) => void
  /** Shows it as it is now, and keeps saying why. */
  readonly onStale: (problem: Problem) => Promise<void>
}

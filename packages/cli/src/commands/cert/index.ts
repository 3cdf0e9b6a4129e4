import type { Command } from 'commander'
import { commandNotYet } from '../../not-yet.ts'
import { issueVerb } from './issue.ts'
import { listVerb } from './list.ts'
import { revokeVerb } from './revoke.ts'

export function certVerbs(): Command[] {
  return [issueVerb(), listVerb(), revokeVerb(), commandNotYet('renew')]
}

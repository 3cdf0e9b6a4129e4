import type { Command } from 'commander'
import { issueVerb } from './issue.ts'
import { listVerb } from './list.ts'
import { registerVerb } from './register.ts'
import { renewVerb } from './renew.ts'
import { revokeVerb } from './revoke.ts'
import { unregisterVerb } from './unregister.ts'

export function certVerbs(): Command[] {
  return [issueVerb(), listVerb(), revokeVerb(), registerVerb(), unregisterVerb(), renewVerb()]
}

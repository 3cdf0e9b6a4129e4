import type { Command } from 'commander'
import { getVerb } from './get.ts'
import { inspectVerb } from './inspect.ts'
import { revokeVerb } from './revoke.ts'

export function tokenVerbs(): Command[] {
  return [getVerb(), inspectVerb(), revokeVerb()]
}

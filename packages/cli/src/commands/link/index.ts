import type { Command } from 'commander'
import { createVerb } from './create.ts'
import { listVerb } from './list.ts'
import { revokeVerb } from './revoke.ts'

export function linkVerbs(): Command[] {
  return [createVerb(), listVerb(), revokeVerb()]
}

import type { Command } from 'commander'
import { addVerb } from './add.ts'
import { listVerb } from './list.ts'
import { revokeVerb } from './revoke.ts'

export function secretVerbs(): Command[] {
  return [addVerb(), listVerb(), revokeVerb()]
}

import type { Command } from 'commander'
import { listVerb } from './list.ts'
import { revokeVerb } from './revoke.ts'
import { rotateVerb } from './rotate.ts'

export function keyVerbs(): Command[] {
  return [listVerb(), rotateVerb(), revokeVerb()]
}

import type { Command } from 'commander'
import { commandNotYet } from '../../not-yet.ts'
import { listVerb } from './list.ts'

export function keyVerbs(): Command[] {
  return [listVerb(), commandNotYet('rotate'), commandNotYet('revoke')]
}

import type { Command } from 'commander'
import { commandNotYet } from '../../not-yet.ts'
import { listVerb } from './list.ts'
import { verifyVerb } from './verify.ts'

export function auditVerbs(): Command[] {
  return [listVerb(), verifyVerb(), commandNotYet('export')]
}

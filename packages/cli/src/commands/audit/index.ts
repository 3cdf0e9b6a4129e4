import type { Command } from 'commander'
import { exportVerb } from './export.ts'
import { listVerb } from './list.ts'
import { verifyVerb } from './verify.ts'

export function auditVerbs(): Command[] {
  return [listVerb(), verifyVerb(), exportVerb()]
}

import type { Command } from 'commander'
import { rotateVerb } from './rotate.ts'

export function masterKeyVerbs(): Command[] {
  return [rotateVerb()]
}

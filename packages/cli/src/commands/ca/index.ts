import type { Command } from 'commander'
import { csrVerb } from './csr.ts'
import { importVerb } from './import.ts'
import { installVerb } from './install.ts'
import { rotateVerb } from './rotate.ts'
import { showVerb } from './show.ts'

export function caVerbs(): Command[] {
  return [showVerb(), rotateVerb(), csrVerb(), installVerb(), importVerb()]
}

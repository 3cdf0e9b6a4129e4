import type { Command } from 'commander'
import { createVerb } from './create.ts'
import { deleteVerb } from './delete.ts'
import { disableVerb } from './disable.ts'
import { enableVerb } from './enable.ts'
import { listVerb } from './list.ts'
import { showVerb } from './show.ts'
import { testVerb } from './test.ts'
import { updateVerb } from './update.ts'

export function clientVerbs(): Command[] {
  return [createVerb(), listVerb(), showVerb(), updateVerb(), disableVerb(), enableVerb(), deleteVerb(), testVerb()]
}

import type { Command } from 'commander'
import { createVerb } from './create.ts'
import { credentialVerb } from './credential.ts'
import { deleteVerb } from './delete.ts'
import { listVerb } from './list.ts'
import { showVerb } from './show.ts'
import { updateVerb } from './update.ts'

export function resourceServerVerbs(): Command[] {
  return [createVerb(), listVerb(), showVerb(), updateVerb(), deleteVerb(), credentialVerb()]
}

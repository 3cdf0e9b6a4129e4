import type { Command } from 'commander'
import { approveVerb } from './approve.ts'
import { askVerb } from './ask.ts'
import { invitationsVerb } from './invitations.ts'
import { inviteVerb } from './invite.ts'
import { listVerb } from './list.ts'
import { rejectVerb } from './reject.ts'
import { showVerb } from './show.ts'
import { uninviteVerb } from './uninvite.ts'

export function requestVerbs(): Command[] {
  return [
    listVerb(),
    showVerb(),
    approveVerb(),
    askVerb(),
    rejectVerb(),
    inviteVerb(),
    invitationsVerb(),
    uninviteVerb(),
  ]
}

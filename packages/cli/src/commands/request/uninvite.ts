import type { Command } from 'commander'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'

/** `request uninvite` */
export function uninviteVerb(): Command {
  return verb({
    usage: 'uninvite <ID>',
    summary: 'end an invitation; requests that came by it stay',
    examples: ['latchkey request uninvite 5b7d9f1h3j5l7n9p'],
    async run({ args: [id = ''], admin, print }) {
      const { invitations } = await admin()
      const ended = await invitations.revoke({ params: { id } })
      print(ended, () => `Invitation ${printable(ended.id)} is ${printable(ended.state)}.\n`)
    },
  })
}

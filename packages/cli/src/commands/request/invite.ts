import { Option, type Command } from 'commander'
import { countOption, secondsOption } from '../../option-values.ts'
import { moment, record } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

interface Options {
  readonly expiresIn?: number
  readonly note?: string
  readonly uses?: number
}

/** `request invite`: prints the link, once. */
export function inviteVerb(): Command {
  return verb<Options>({
    usage: 'invite',
    summary: 'make a link with which a partner may ask for access',
    examples: [
      'latchkey request invite --note "Acme, as discussed" --uses 1',
      'latchkey request invite --expires-in 86400 --json',
    ],
    notes:
      'Needed where requests are taken by invitation (--access-requests invitation). The link opens the form, and nothing else.',
    options: [
      secondsOption('--expires-in <S>', 'life of the invitation, in seconds (1209600)'),
      new Option('--note <TEXT>', 'for the team: whom it is for'),
      countOption('--uses <N>', 'requests that it is good for (any number)'),
    ],
    async run({ options, admin, print }) {
      const { invitations } = await admin()
      const made = await invitations.create({
        body: { expires_in: options.expiresIn, note: options.note, max_uses: options.uses },
      })
      print(
        made,
        () =>
          record([
            ['id', made.id],
            ['invitation link', made.invitation_link],
            ['open until', moment(made.expires_at)],
          ]) + '\nThe link is shown only this once.\n',
      )
    },
  })
}

import type { Command } from 'commander'
import { moreHint, pageOptions, type PageOptions } from '../../option-values.ts'
import { moment, table } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

/** `request invitations` */
export function invitationsVerb(): Command {
  return verb<PageOptions>({
    usage: 'invitations',
    summary: 'list the invitations, newest first (not their links)',
    examples: ['latchkey request invitations'],
    options: pageOptions(),
    async run({ options: { limit, cursor }, admin, print }) {
      const { invitations } = await admin()
      const page = await invitations.list({ query: { limit, cursor } })
      print(
        page,
        () =>
          table(
            page.items,
            [
              { title: 'ID', value: (one) => one.id },
              { title: 'STATE', value: (one) => one.state },
              {
                title: 'USES',
                value: (one) => `${one.uses}${one.max_uses === undefined ? '' : ` of ${one.max_uses}`}`,
              },
              { title: 'OPEN UNTIL', value: (one) => moment(one.expires_at) },
              { title: 'NOTE', value: (one) => one.note },
            ],
            'There are no invitations. `latchkey request invite` makes one.',
          ) + moreHint(page.next_cursor),
      )
    },
  })
}

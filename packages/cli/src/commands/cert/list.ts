import { Option, type Command } from 'commander'
import { moreHint, pageOptions, type PageOptions } from '../../option-values.ts'
import { moment, table } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

const states = ['valid', 'expired', 'revoked'] as const

interface Options extends PageOptions {
  readonly client?: string
  readonly state?: (typeof states)[number]
}

/** `cert list` */
export function listVerb(): Command {
  return verb<Options>({
    usage: 'list',
    summary: 'list the certificates that were issued, newest first',
    examples: ['latchkey cert list --state valid', 'latchkey cert list --client 1f9k2m4p6r8t0v1x3z5b7d9f --json'],
    options: [
      new Option('--client <CLIENT>', 'only those of this client'),
      new Option('--state <STATE>', 'only those in this state').choices(states),
      ...pageOptions(),
    ],
    async run({ options: { limit, cursor, client, state }, admin, print }) {
      const { certificates } = await admin()
      const page = await certificates.list({ query: { limit, cursor, client_id: client, state } })
      print(
        page,
        () =>
          table(
            page.items,
            [
              { title: 'SERIAL', value: (one) => one.serial },
              { title: 'CLIENT_ID', value: (one) => one.client_id },
              { title: 'STATE', value: (one) => one.state },
              { title: 'HOLDS UNTIL', value: (one) => moment(one.not_after) },
              { title: 'REVOKED', value: (one) => moment(one.revoked_at) },
            ],
            client === undefined && state === undefined
              ? 'There are no certificates. `latchkey cert issue` makes one.'
              : 'There are no such certificates.',
          ) + moreHint(page.next_cursor),
      )
    },
  })
}

import { Option, type Command } from 'commander'
import { moreHint, pageOptions, type PageOptions } from '../../option-values.ts'
import { moment, table } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

const states = ['open', 'claimed', 'delivered', 'undelivered', 'disowned', 'revoked', 'expired', 'locked'] as const

interface Options extends PageOptions {
  readonly client?: string
  readonly state?: (typeof states)[number]
}

/** `link list`: what became of links. Never a link itself. */
export function listVerb(): Command {
  return verb<Options>({
    usage: 'list',
    summary: 'list the delivery links, newest first (not the links themselves)',
    examples: ['latchkey link list', 'latchkey link list --client 1f9k2m4p6r8t0v1x3z5b7d9f --state claimed --json'],
    options: [
      new Option('--client <CLIENT>', 'only those of this client'),
      new Option('--state <STATE>', 'only those in this state').choices(states),
      ...pageOptions(),
    ],
    async run({ options: { limit, cursor, client, state }, admin, print }) {
      const { links } = await admin()
      const page = await links.list({ query: { limit, cursor, client_id: client, state } })
      print(
        page,
        () =>
          table(
            page.items,
            [
              { title: 'ID', value: (link) => link.id },
              { title: 'CLIENT', value: (link) => link.client_name },
              { title: 'STATE', value: (link) => link.state },
              { title: 'CREATED', value: (link) => moment(link.created_at) },
              { title: 'LIVES UNTIL', value: (link) => moment(link.expires_at) },
              { title: 'CLAIMED', value: (link) => moment(link.claimed_at) ?? '' },
              { title: 'SECRET', value: (link) => link.secret_id ?? '' },
              { title: 'CERTIFICATE', value: (link) => link.certificate_serial ?? link.registered_key_id ?? '' },
            ],
            client === undefined && state === undefined
              ? 'There are no delivery links. `latchkey link create` makes one.'
              : 'There are no such delivery links.',
          ) + moreHint(page.next_cursor),
      )
    },
  })
}

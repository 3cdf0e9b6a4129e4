import type { Command } from 'commander'
import { moreHint, pageOptions, type PageOptions } from '../../option-values.ts'
import { moment, table } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

/** `client list` */
export function listVerb(): Command {
  return verb<PageOptions>({
    usage: 'list',
    summary: 'list the clients, oldest first',
    examples: ['latchkey client list', 'latchkey client list --limit 500 --json'],
    options: pageOptions(),
    async run({ options: { limit, cursor }, admin, print }) {
      const { clients } = await admin()
      const page = await clients.list({ query: { limit, cursor } })
      print(
        page,
        () =>
          table(
            page.items,
            [
              { title: 'CLIENT_ID', value: (client) => client.client_id },
              { title: 'NAME', value: (client) => client.name },
              { title: 'STATE', value: (client) => client.state },
              { title: 'SCOPES', value: (client) => client.scopes.join(' ') },
              { title: 'CREATED', value: (client) => moment(client.created_at) },
            ],
            'There are no clients. `latchkey client create` registers one.',
          ) + moreHint(page.next_cursor),
      )
    },
  })
}

import type { Command } from 'commander'
import { moreHint, pageOptions, type PageOptions } from '../../option-values.ts'
import { table } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

/** `resource-server list` */
export function listVerb(): Command {
  return verb<PageOptions>({
    usage: 'list',
    summary: 'list the resource servers by name',
    examples: ['latchkey resource-server list', 'latchkey api list --json'],
    options: pageOptions(),
    async run({ options: { limit, cursor }, admin, print }) {
      const { resourceServers } = await admin()
      const page = await resourceServers.list({ query: { limit, cursor } })
      print(
        page,
        () =>
          table(
            page.items,
            [
              { title: 'NAME', value: (server) => server.name },
              { title: 'AUDIENCE', value: (server) => server.audience },
              { title: 'EXCLUSIVE', value: (server) => (server.exclusive ? 'yes' : undefined) },
              { title: 'SCOPES', value: (server) => server.scopes.map((scope) => scope.name).join(' ') },
            ],
            'There are no resource servers. `latchkey resource-server create` registers one.',
          ) + moreHint(page.next_cursor),
      )
    },
  })
}

import type { Client } from '@latchkey/admin-contract'
import { Option, type Command } from 'commander'
import { moreHint, pageOptions, type PageOptions } from '../../option-values.ts'
import { moment, table } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

interface Options extends PageOptions {
  readonly state?: 'enabled' | 'disabled'
  readonly scope?: string
}

/** In few words: the addresses stand in `client show`. */
function callsFrom({ network }: Client): string {
  if (network === undefined) return 'anywhere'
  const { allow, mode } = network
  const [first] = allow
  const places = allow.length === 1 && first !== undefined ? first.cidr : `${allow.length} ranges`
  return mode === 'report' ? `${places} (report)` : places
}

/** `client list` */
export function listVerb(): Command {
  return verb<Options>({
    usage: 'list',
    summary: 'list the clients, oldest first',
    examples: [
      'latchkey client list',
      'latchkey client list --limit 500 --json',
      'latchkey client list --state enabled --scope configurations/configurations.write',
    ],
    options: [
      new Option('--state <STATE>', 'only those in this state').choices(['enabled', 'disabled']),
      new Option('--scope <SCOPE>', 'only those that are granted this scope'),
      ...pageOptions(),
    ],
    async run({ options: { limit, cursor, state, scope }, admin, print }) {
      const { clients } = await admin()
      const page = await clients.list({ query: { limit, cursor, state, scope } })
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
              { title: 'CALLS FROM', value: (client) => callsFrom(client) },
              { title: 'CREATED', value: (client) => moment(client.created_at) },
            ],
            state === undefined && scope === undefined
              ? 'There are no clients. `latchkey client create` registers one.'
              : 'There are no such clients.',
          ) + moreHint(page.next_cursor),
      )
    },
  })
}

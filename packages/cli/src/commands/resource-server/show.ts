import type { Command } from 'commander'
import { verb } from '../../verb.ts'
import { resourceServerRecord } from './layout.ts'

/** `resource-server show` */
export function showVerb(): Command {
  return verb({
    usage: 'show <NAME>',
    summary: 'show a resource server and its scopes',
    examples: ['latchkey resource-server show configurations'],
    async run({ args: [name = ''], admin, print }) {
      const { resourceServers } = await admin()
      const server = await resourceServers.get({ params: { name } })
      print(server, () => resourceServerRecord(server))
    },
  })
}

import type { Command } from 'commander'
import { revisionOption, type RevisionOptions } from '../../option-values.ts'
import { verb } from '../../verb.ts'
import { clientRecord } from './layout.ts'

/** `client enable` */
export function enableVerb(): Command {
  return verb<RevisionOptions>({
    usage: 'enable <CLIENT>',
    summary: 'enable a client again; tokens from before stay dead',
    examples: ['latchkey client enable 1f9k2m4p6r8t0v1x3z5b7d9f'],
    options: [revisionOption()],
    async run({ args: [clientId = ''], options: { revision }, admin, print }) {
      const { clients } = await admin()
      const client = await clients.enable({ params: { client_id: clientId }, body: { revision } })
      print(client, () => clientRecord(client))
    },
  })
}

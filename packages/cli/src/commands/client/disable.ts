import type { Command } from 'commander'
import { revisionOption, type RevisionOptions } from '../../option-values.ts'
import { verb } from '../../verb.ts'
import { whoSeesRevocation } from '../revocation-notes.ts'
import { clientRecord } from './layout.ts'

/** `client disable` */
export function disableVerb(): Command {
  return verb<RevisionOptions>({
    usage: 'disable <CLIENT>',
    summary: 'disable a client: it gets no more tokens, and those that it has are revoked',
    examples: ['latchkey client disable 1f9k2m4p6r8t0v1x3z5b7d9f'],
    notes: whoSeesRevocation,
    options: [revisionOption()],
    async run({ args: [clientId = ''], options: { revision }, admin, print }) {
      const { clients } = await admin()
      const client = await clients.disable({ params: { client_id: clientId }, body: { revision } })
      print(client, () => clientRecord(client))
    },
  })
}

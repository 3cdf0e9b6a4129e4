import type { Command } from 'commander'
import { revisionOption, type RevisionOptions } from '../../option-values.ts'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'
import { requireYes, yesOption, type ConfirmationOptions } from '../confirmation.ts'

/** `client delete` */
export function deleteVerb(): Command {
  return verb<ConfirmationOptions & RevisionOptions>({
    usage: 'delete <CLIENT>',
    summary: 'remove a client with its secrets; its tokens end',
    examples: ['latchkey client delete 1f9k2m4p6r8t0v1x3z5b7d9f --yes'],
    options: [yesOption(), revisionOption()],
    async run({ args: [clientId = ''], options, admin, print }) {
      requireYes(options, 'deleting a client')
      const { clients } = await admin()
      await clients.delete({ params: { client_id: clientId }, query: { revision: options.revision } })
      print({ client_id: clientId, deleted: true }, () => `Client ${printable(clientId)} is gone.\n`)
    },
  })
}

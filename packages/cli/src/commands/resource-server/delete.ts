import { Option, type Command } from 'commander'
import { revisionOption, type RevisionOptions } from '../../option-values.ts'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'
import { requireYes, yesOption, type ConfirmationOptions } from '../confirmation.ts'

interface Options extends ConfirmationOptions, RevisionOptions {
  readonly force?: boolean
}

/** `resource-server delete` */
export function deleteVerb(): Command {
  return verb<Options>({
    usage: 'delete <NAME>',
    summary: 'remove a resource server',
    examples: ['latchkey resource-server delete configurations --yes'],
    options: [
      yesOption(),
      new Option('--force', 'also when clients hold its scopes: they lose them'),
      revisionOption(),
    ],
    async run({ args: [name = ''], options, admin, print }) {
      requireYes(options, 'deleting a resource server')
      const { resourceServers } = await admin()
      await resourceServers.delete({
        params: { name },
        query: { force: options.force === true ? 'true' : undefined, revision: options.revision },
      })
      print({ name, deleted: true }, () => `Resource server ${printable(name)} is gone.\n`)
    },
  })
}

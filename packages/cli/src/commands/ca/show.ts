import type { Command } from 'commander'
import { verb } from '../../verb.ts'
import { authorityTable } from './layout.ts'

/** `ca show` */
export function showVerb(): Command {
  return verb({
    usage: 'show',
    summary: 'show the authorities of clients’ certificates: the one that signs, and those before it',
    examples: ['latchkey ca show', 'latchkey ca show --json'],
    notes:
      'What others check clients’ certificates by is at /ca/root.pem: the root that this server made, the one that was installed with --root, or the intermediate itself.',
    async run({ admin, print }) {
      const { authorities } = await admin()
      const shown = await authorities.show({})
      print(shown, () => {
        const waits =
          shown.request === undefined ? '' : '\nA request waits for its certificate: `latchkey ca install`.\n'
        return authorityTable(shown.items) + waits
      })
    },
  })
}

import type { Command } from 'commander'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'
import { whoSeesRevocation } from '../revocation-notes.ts'

/** `cert unregister` */
export function unregisterVerb(): Command {
  return verb({
    usage: 'unregister <ID>',
    summary: 'end the registration of a key by its id, and the tokens that were got with it',
    examples: ['latchkey cert unregister 8BqT3xW0eYpL5nRk'],
    notes: whoSeesRevocation,
    async run({ args: [id = ''], admin, print }) {
      const { registeredKeys } = await admin()
      const revoked = await registeredKeys.revoke({ params: { id } })
      print(revoked, () => `Key ${printable(revoked.id)} is not registered any more.\n`)
    },
  })
}

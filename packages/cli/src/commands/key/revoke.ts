import type { Command } from 'commander'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'
import { whoSeesRevocation } from '../revocation-notes.ts'
import { layOutChanges } from './layout.ts'

/** `key revoke` */
export function revokeVerb(): Command {
  return verb({
    usage: 'revoke <KID>',
    summary: 'revoke a key that somebody else may have, and every token under it',
    examples: ['latchkey key revoke NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'],
    notes: `Ends every token that the key signed; clients have to get new ones. When it is the key that signs, the standby takes over at once.
Its private half is destroyed. To replace a key that nobody has, use \`latchkey key rotate\`, which ends nothing.
${whoSeesRevocation}`,
    async run({ args: [kid = ''], admin, print, options }) {
      const { keys } = await admin()
      const answer = await keys.revoke({ params: { kid } })
      print(
        answer,
        () => `Key ${printable(answer.revoked)} is revoked, with every token under it.\n` + layOutChanges(answer),
      )
      if (options.json !== true && answer.warning !== undefined) {
        process.stderr.write(`warning: ${printable(answer.warning)}\n`)
      }
    },
  })
}

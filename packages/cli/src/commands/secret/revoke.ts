import { Option, type Command } from 'commander'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'
import { whoSeesRevocation } from '../revocation-notes.ts'

interface Options {
  readonly compromised?: boolean
}

/** `secret revoke` */
export function revokeVerb(): Command {
  return verb<Options>({
    usage: 'revoke <ID>',
    summary: 'revoke a secret by its id, and the tokens that were got with it',
    examples: ['latchkey secret revoke 8BqT3xW0eYpL5nRk', 'latchkey secret revoke 8BqT3xW0eYpL5nRk --compromised'],
    notes: whoSeesRevocation,
    options: [new Option('--compromised', 'somebody else had it: revoke also every secret that was rotated from it')],
    async run({ args: [id = ''], options, admin, print }) {
      const { secrets } = await admin()
      const answer = await secrets.revoke({ params: { id }, body: { compromised: options.compromised } })
      print(answer, () => answer.revoked.map((revoked) => `Secret ${printable(revoked)} is revoked.\n`).join(''))
    },
  })
}

import type { Command } from 'commander'
import { moment } from '../../output/layout.ts'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'
import { whoSeesRevocation } from '../revocation-notes.ts'
import { readToken } from './read-token.ts'

/** `token revoke` */
export function revokeVerb(): Command {
  return verb({
    usage: 'revoke <TOKEN>',
    summary: 'revoke one token; - reads standard input',
    examples: ['latchkey token revoke - < token.txt'],
    notes: `The client can get another at once; \`latchkey secret revoke\` or \`latchkey client disable\` end more.\n${whoSeesRevocation}`,
    async run({ args: [argument = ''], admin, print }) {
      const token = await readToken(argument)
      const { tokens } = await admin()
      const answer = await tokens.revoke({ body: { token } })
      print(answer, () => `Token ${printable(answer.jti)}, good until ${moment(answer.expires_at)}, is revoked.\n`)
    },
  })
}

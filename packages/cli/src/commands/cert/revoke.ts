import { Option, type Command } from 'commander'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'

const reasons = ['unspecified', 'keyCompromise', 'superseded', 'cessationOfOperation'] as const

interface Options {
  readonly reason?: (typeof reasons)[number]
}

/** `cert revoke` */
export function revokeVerb(): Command {
  return verb<Options>({
    usage: 'revoke <SERIAL>',
    summary: 'revoke a certificate: it is in the revocation list from then on',
    examples: ['latchkey cert revoke 4f1d0a2b3c4d5e6f708192a3b4c5d6e7 --reason keyCompromise'],
    options: [new Option('--reason <REASON>', 'why, as the revocation list says it').choices(reasons)],
    async run({ args: [serial = ''], options, admin, print }) {
      const { certificates } = await admin()
      const revoked = await certificates.revoke({ params: { serial }, body: { reason: options.reason } })
      print(revoked, () => `Certificate ${printable(revoked.serial)} is revoked.\n`)
    },
  })
}

import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import { moment } from '../../output/layout.ts'
import { printable } from '../../output/printable.ts'
import { readInput } from '../../read-input.ts'
import { verb } from '../../verb.ts'

interface Options {
  readonly csr?: string
}

/** `cert renew`: the certificate and its chain go to standard output, what is said of them to standard error. */
export function renewVerb(): Command {
  return verb<Options>({
    usage: 'renew <SERIAL>',
    summary: 'issue the certificate that follows another, for a new key',
    examples: ['latchkey cert renew 4f1d0a2b3c4d5e6f708192a3b4c5d6e7 --csr new.csr > new.pem'],
    notes:
      'The old one stays good until its end, or until `latchkey cert revoke`. Clients can do this themselves in the last third of its life: POST /ca/renew at the mTLS listener.',
    options: [
      new Option('--csr <FILE>', 'a signing request for a new key, PEM or DER in base64; - for standard input'),
    ],
    async run({ args: [serial = ''], options, admin, print }) {
      if (options.csr === undefined)
        throw misuse('a new certificate needs a signing request', 'name its file with --csr')
      const csr = await readInput(options.csr)
      const { certificates } = await admin()
      const issued = await certificates.renew({ params: { serial }, body: { csr } })
      print(issued, () => {
        process.stderr.write(`Certificate ${printable(issued.serial)} holds until ${moment(issued.not_after)}.\n`)
        return issued.certificate + issued.chain
      })
    },
  })
}

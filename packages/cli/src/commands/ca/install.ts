import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import { readInput } from '../../read-input.ts'
import { verb } from '../../verb.ts'
import { signsNow } from './layout.ts'

interface Options {
  readonly certificate?: string
  readonly root?: string
}

/** `ca install` */
export function installVerb(): Command {
  return verb<Options>({
    usage: 'install',
    summary: 'put the certificate in force that an authority elsewhere made for `latchkey ca csr`',
    examples: ['latchkey ca install --certificate latchkey.pem'],
    notes: rootNote,
    options: [
      new Option('--certificate <FILE>', 'the intermediate, PEM; - for standard input'),
      new Option('--root <FILE>', 'the root that certified it and certifies nobody else, PEM'),
    ],
    async run({ options, admin, print }) {
      if (options.certificate === undefined)
        throw misuse('the certificate is missing', 'name its file with --certificate')
      const certificate = await readInput(options.certificate)
      const root = options.root === undefined ? undefined : await readInput(options.root)
      const { authorities } = await admin()
      const installed = await authorities.install({ body: { certificate, root } })
      print(installed, () => signsNow(installed))
    },
  })
}

export const rootNote =
  'Without --root the intermediate alone is what others check clients’ certificates by, at /ca/root.pem: right wherever its issuer certifies others too, whose certificates must not count here. Certificates by the authority before stay good.'

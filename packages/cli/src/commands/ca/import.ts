import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import { readInput } from '../../read-input.ts'
import { verb } from '../../verb.ts'
import { rootNote } from './install.ts'
import { signsNow } from './layout.ts'

interface Options {
  readonly certificate?: string
  readonly key?: string
  readonly root?: string
}

/** `ca import` */
export function importVerb(): Command {
  return verb<Options>({
    usage: 'import',
    summary: 'put an intermediate in force with a private key that was made elsewhere',
    examples: ['latchkey ca import --certificate intermediate.pem --key intermediate.key'],
    notes: `The key is sealed on the server; delete the file afterwards. Better is a key that was never anywhere else: \`latchkey ca csr\`. ${rootNote}`,
    options: [
      new Option('--certificate <FILE>', 'the intermediate, PEM; - for standard input'),
      new Option('--key <FILE>', 'its private key (P-256, P-384 or P-521), PEM, not encrypted; - for standard input'),
      new Option('--root <FILE>', 'the root that certified it and certifies nobody else, PEM'),
    ],
    async run({ options, admin, print }) {
      if (options.certificate === undefined || options.key === undefined) {
        throw misuse('certificate and key belong together', 'name their files with --certificate and --key')
      }
      const certificate = await readInput(options.certificate)
      const privateKey = await readInput(options.key)
      const root = options.root === undefined ? undefined : await readInput(options.root)
      const { authorities } = await admin()
      const installed = await authorities.install({ body: { certificate, root, private_key: privateKey } })
      print(installed, () => signsNow(installed))
    },
  })
}

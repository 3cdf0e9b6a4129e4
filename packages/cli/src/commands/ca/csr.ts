import { Option, type Command } from 'commander'
import { verb } from '../../verb.ts'

interface Options {
  readonly anew?: boolean
}

/** `ca csr`: the request alone goes to standard output. */
export function csrVerb(): Command {
  return verb<Options>({
    usage: 'csr',
    summary: 'make the key of an authority here, and print the request for its certificate',
    examples: ['latchkey ca csr > latchkey.csr', 'latchkey ca csr --anew > latchkey.csr'],
    notes:
      'For a company’s own authority, which makes it an intermediate: CA:TRUE with pathlen 0, keyCertSign and cRLSign. The key never leaves the server. Until the certificate is put in force with `latchkey ca install`, the same request is printed again.',
    options: [new Option('--anew', 'drop the request that waits, and its key, and make another')],
    async run({ options, admin, print }) {
      const { authorities } = await admin()
      const made = await authorities.request({ body: { anew: options.anew } })
      print(made, () => made.csr)
    },
  })
}

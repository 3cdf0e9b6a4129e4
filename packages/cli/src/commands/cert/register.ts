import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import { readInput } from '../../read-input.ts'
import { verb } from '../../verb.ts'
import { registeredKeyTable } from './layout.ts'

interface Options {
  readonly certificate?: string
}

/** `cert register` */
export function registerVerb(): Command {
  return verb<Options>({
    usage: 'register <CLIENT>',
    summary: 'register the key of a certificate that a client made itself',
    examples: ['latchkey cert register 1f9k2m4p6r8t0v1x3z5b7d9f --certificate partner.pem'],
    notes:
      'Any certificate with this key is the client’s from then on (self_signed_tls_client_auth, RFC 8705 §2.2). `latchkey client show` lists the keys, `latchkey cert unregister` takes one away.',
    options: [new Option('--certificate <FILE>', 'the certificate, PEM; - for standard input')],
    async run({ args: [clientId = ''], options, admin, print }) {
      if (options.certificate === undefined) {
        throw misuse('which certificate is missing', 'name its file with --certificate')
      }
      const certificate = await readInput(options.certificate)
      const { registeredKeys } = await admin()
      const registered = await registeredKeys.create({ params: { client_id: clientId }, body: { certificate } })
      print(registered, () => registeredKeyTable([registered]))
    },
  })
}

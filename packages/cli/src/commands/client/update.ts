import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import {
  orNull,
  revisionOption,
  scopesOption,
  secondsOrNoneOption,
  type RevisionOptions,
  type SecondsOrNone,
} from '../../option-values.ts'
import { verb } from '../../verb.ts'
import { clientRecord } from './layout.ts'
import { networkChange, networkNotes, networkOptions, type NetworkOptions } from './network-options.ts'

interface Options extends RevisionOptions, NetworkOptions {
  readonly name?: string
  readonly addScope?: string[]
  readonly removeScope?: string[]
  readonly contact?: string
  readonly tokenTtl?: SecondsOrNone
  readonly requireCertificate?: boolean
}

/** `client update` */
export function updateVerb(): Command {
  return verb<Options>({
    usage: 'update <CLIENT>',
    summary: 'change a client; what is not named stays',
    examples: [
      'latchkey client update 1f9k2m4p6r8t0v1x3z5b7d9f --add-scope configurations/configurations.write',
      'latchkey client update 1f9k2m4p6r8t0v1x3z5b7d9f --token-ttl none',
      'latchkey client update 1f9k2m4p6r8t0v1x3z5b7d9f --allow-ip 198.51.100.0/24 --network-mode report',
    ],
    notes:
      'Taking a scope away, shortening its tokens, requiring a certificate, or letting it call from fewer places, ends the tokens that it has. Adding a scope that ends at some time takes its end away.\n' +
      `--allow-ip replaces the list, and --allow-ip none lets it call from anywhere. ${networkNotes}`,
    options: [
      new Option('--name <NAME>', 'another name'),
      scopesOption('--add-scope <SCOPE>', 'grant a scope'),
      scopesOption('--remove-scope <SCOPE>', 'take a scope away'),
      new Option('--contact <ADDRESS>', 'whom to write to about its credentials: an e-mail address, or none'),
      secondsOrNoneOption('--token-ttl <S>', 'longest life of its tokens, in seconds, or none'),
      revisionOption(),
      ...networkOptions(),
      new Option('--require-certificate', 'its secret counts only over a connection with a certificate of its own'),
      new Option('--no-require-certificate', 'its secret is enough'),
    ],
    async run({ args: [clientId = ''], options, admin, print }) {
      const network = networkChange(options)
      const { name, addScope, removeScope, contact, tokenTtl, requireCertificate, revision } = options
      if (
        [name, addScope, removeScope, contact, tokenTtl, requireCertificate, network].every(
          (change) => change === undefined,
        )
      ) {
        throw misuse('nothing to change', 'name a change, for example --add-scope')
      }
      const { clients } = await admin()
      const client = await clients.update({
        params: { client_id: clientId },
        body: {
          name,
          authentication:
            requireCertificate === undefined ? undefined : requireCertificate ? 'secret-and-certificate' : 'secret',
          add_scopes: addScope,
          remove_scopes: removeScope,
          contact_address: contact === 'none' ? null : contact,
          token_ttl_seconds: orNull(tokenTtl),
          network,
          revision,
        },
      })
      print(client, () => clientRecord(client))
    },
  })
}

import { Option, type Command } from 'commander'
import { secondsOption } from '../../option-values.ts'
import { verb } from '../../verb.ts'
import { handedOutText } from './layout.ts'

interface Options {
  readonly expiresIn?: number
  readonly withCode?: boolean
  readonly contact?: string
  readonly mail: boolean
  readonly secretName?: string
  readonly secretExpiresIn?: number
}

/** `link create`: prints the link, once. */
export function createVerb(): Command {
  return verb<Options>({
    usage: 'create <CLIENT>',
    summary: 'make a link by which the owner of a client gets a new credential, once',
    examples: [
      'latchkey link create 1f9k2m4p6r8t0v1x3z5b7d9f',
      'latchkey link create 1f9k2m4p6r8t0v1x3z5b7d9f --with-code --expires-in 3600',
      'latchkey link create 1f9k2m4p6r8t0v1x3z5b7d9f --contact integration@acme.example --json',
    ],
    notes:
      'It delivers what the client authenticates by: a secret, a certificate, both, or the use of a certificate that its owner brings. That is made when the link is claimed; before it there is none. A new link ends every earlier one of the client that was not confirmed. What the client has keeps working.',
    options: [
      secondsOption('--expires-in <S>', 'life of the link, 60 to 604800 seconds (86400)'),
      new Option('--with-code', 'ask for a one-time code too, which goes by another channel'),
      new Option('--contact <ADDRESS>', 'who is sent the link, and told of the claim (the contact of the client)'),
      new Option('--no-mail', 'do not send the link: print it only'),
      new Option('--secret-name <NAME>', 'a name for the secret'),
      secondsOption('--secret-expires-in <S>', 'life of the secret, in seconds from the claim'),
    ],
    async run({ args: [clientId = ''], options, admin, print }) {
      const { links } = await admin()
      const created = await links.create({
        params: { client_id: clientId },
        body: {
          expires_in: options.expiresIn,
          with_code: options.withCode,
          contact_address: options.contact,
          mail: options.mail,
          secret_name: options.secretName,
          secret_expires_in: options.secretExpiresIn,
        },
      })
      print(created, () => handedOutText(created))
    },
  })
}

import type { Client } from '@latchkey/admin-contract'
import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import { notYet, optionNotYet } from '../../not-yet.ts'
import { scopesOption, secondsOption } from '../../option-values.ts'
import { verb } from '../../verb.ts'
import { handedOutText } from '../link/layout.ts'
import { clientRecord } from './layout.ts'

interface Options {
  readonly scope?: string[]
  readonly auth: string
  readonly contact?: string
  readonly tokenTtl?: number
  readonly secretExpiresIn?: number
  readonly showSecret?: boolean
}

/** `client create`: answers with a delivery link, unless the secret is asked for. */
export function createVerb(): Command {
  return verb<Options>({
    usage: 'create <NAME>',
    summary: 'register a client with its scopes, and make the link by which it gets its first secret',
    examples: [
      'latchkey client create "Billing of Acme" --scope configurations/configurations.read --contact it@acme.example',
      'latchkey client create nightly --scope a/read --scope a/write --token-ttl 600 --show-secret --json',
    ],
    notes:
      'The link works once, for 24 hours, and is mailed to the contact when the server sends mail; `latchkey link create` makes another. With --show-secret there is no link: the secret is printed, once.',
    options: [
      scopesOption('--scope <SCOPE>', 'a scope that it is granted, <resource server>/<scope>'),
      new Option('--contact <ADDRESS>', 'whom to write to about its credentials: an e-mail address'),
      secondsOption('--token-ttl <S>', 'longest life of its tokens, in seconds'),
      secondsOption('--secret-expires-in <S>', 'life of the secret, in seconds'),
      new Option('--show-secret', 'make the secret now and print it, instead of a delivery link'),
      new Option('--auth <METHOD>', 'how it authenticates').choices(authMethods).default('secret'),
      optionNotYet('--require-certificate'),
      optionNotYet('--allow-ip <CIDR>'),
    ],
    async run({ args: [name = ''], options, admin, print }) {
      if (options.auth !== 'secret') throw notYet(`--auth ${options.auth}`)
      if (options.scope === undefined) throw misuse('a client needs a scope', 'name at least one with --scope')
      const { clients } = await admin()
      const created = await clients.create({
        body: {
          name,
          scopes: options.scope,
          contact_address: options.contact,
          token_ttl_seconds: options.tokenTtl,
          secret_expires_in: options.secretExpiresIn,
          show_secret: options.showSecret,
        },
      })
      print(created, () => createdText(created))
    },
  })
}

type Created = Client & {
  readonly client_secret?: string | undefined
  readonly delivery_link?: string | undefined
  readonly link_expires_at?: number | undefined
  readonly mailed_to?: string | undefined
}

function createdText(created: Created): string {
  const { client_secret: secret, delivery_link: link, link_expires_at: until, mailed_to: to } = created
  if (link !== undefined && until !== undefined) {
    const handedOut = { delivery_link: link, expires_at: until, mailed_to: to }
    return `${clientRecord(created)}\n${handedOutText(handedOut)}`
  }
  return `${clientRecord(created, ['client_secret', secret])}\nThe secret is shown only this once.\n`
}

const authMethods = ['secret', 'private-key-jwt', 'mtls', 'self-signed-mtls']

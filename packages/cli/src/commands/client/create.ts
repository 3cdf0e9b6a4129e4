import { Option, type Command } from 'commander'
import { Failure, misuse } from '../../failure.ts'
import { notYet, optionNotYet } from '../../not-yet.ts'
import { scopesOption, secondsOption } from '../../option-values.ts'
import { verb } from '../../verb.ts'
import { clientRecord } from './layout.ts'

interface Options {
  readonly scope?: string[]
  readonly auth: string
  readonly contact?: string
  readonly tokenTtl?: number
  readonly secretExpiresIn?: number
  readonly showSecret?: boolean
}

/** `client create`: refuses to make a secret that nobody would see. */
export function createVerb(): Command {
  return verb<Options>({
    usage: 'create <NAME>',
    summary: 'register a client with its scopes and its first secret',
    examples: [
      'latchkey client create "Billing of Acme" --scope configurations/configurations.read --show-secret',
      'latchkey client create nightly --scope a/read --scope a/write --token-ttl 600 --show-secret --json',
    ],
    notes: 'The secret is printed once and cannot be read again; `latchkey secret add` makes another.',
    options: [
      scopesOption('--scope <SCOPE>', 'a scope that it is granted, <resource server>/<scope>'),
      new Option('--contact <ADDRESS>', 'whom to write to about its credentials: an e-mail address'),
      secondsOption('--token-ttl <S>', 'longest life of its tokens, in seconds'),
      secondsOption('--secret-expires-in <S>', 'life of the secret, in seconds'),
      new Option('--show-secret', 'print the secret'),
      new Option('--auth <METHOD>', 'how it authenticates').choices(authMethods).default('secret'),
      optionNotYet('--require-certificate'),
      optionNotYet('--allow-ip <CIDR>'),
    ],
    async run({ args: [name = ''], options, admin, print }) {
      if (options.auth !== 'secret') throw notYet(`--auth ${options.auth}`)
      if (options.scope === undefined) throw misuse('a client needs a scope', 'name at least one with --scope')
      if (options.showSecret !== true) {
        throw new Failure(
          2,
          'not_yet',
          'this version has no delivery links yet: without --show-secret nobody would ever see the secret',
          'repeat the command with --show-secret, where the output is seen by nobody else',
        )
      }
      const { clients } = await admin()
      const created = await clients.create({
        body: {
          name,
          scopes: options.scope,
          contact_address: options.contact,
          token_ttl_seconds: options.tokenTtl,
          secret_expires_in: options.secretExpiresIn,
        },
      })
      const secret = ['client_secret', created.client_secret] as const
      print(created, () => `${clientRecord(created, secret)}\nThe secret is shown only this once.\n`)
    },
  })
}

const authMethods = ['secret', 'private-key-jwt', 'mtls', 'self-signed-mtls']

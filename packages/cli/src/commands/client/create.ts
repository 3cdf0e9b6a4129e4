import type { Client, NewNetwork } from '@latchkey/admin-contract'
import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import { notYet } from '../../not-yet.ts'
import { scopesOption, secondsOption } from '../../option-values.ts'
import { verb } from '../../verb.ts'
import { handedOutText } from '../link/layout.ts'
import { clientRecord } from './layout.ts'
import { networkChange, networkNotes, networkOptions, type NetworkOptions } from './network-options.ts'

interface Options extends NetworkOptions {
  readonly scope?: string[]
  readonly auth: 'secret' | 'private-key-jwt' | 'mtls' | 'self-signed-mtls'
  readonly requireCertificate?: boolean
  readonly contact?: string
  readonly tokenTtl?: number
  readonly secretExpiresIn?: number
  readonly showSecret?: boolean
  readonly link: boolean
}

/** `client create`: answers with a delivery link, unless the secret is asked for. */
export function createVerb(): Command {
  return verb<Options>({
    usage: 'create <NAME>',
    summary: 'register a client with its scopes, and make the link by which it gets its first credential',
    examples: [
      'latchkey client create "Billing of Acme" --scope configurations/configurations.read --contact it@acme.example',
      'latchkey client create nightly --scope a/read --scope a/write --token-ttl 600 --show-secret --json',
      'latchkey client create plant --scope a/read --auth mtls',
      'latchkey client create erp --scope a/read --allow-ip 198.51.100.0/24,note=office --allow-ip 203.0.113.7,until=2027-01-31',
    ],
    notes:
      'The link works once, for 24 hours, and is mailed to the contact when the server sends mail; `latchkey link create` makes another. It delivers a secret, with --require-certificate a certificate beside it, with --auth mtls a certificate alone; with --auth self-signed-mtls its owner brings his own. With --show-secret there is no link: the secret is printed, once. With --no-link there is neither: `latchkey cert issue`, or `latchkey cert register`, comes next.\n' +
      networkNotes,
    options: [
      scopesOption('--scope <SCOPE>', 'a scope that it is granted, <resource server>/<scope>'),
      new Option('--contact <ADDRESS>', 'whom to write to about its credentials: an e-mail address'),
      secondsOption('--token-ttl <S>', 'longest life of its tokens, in seconds'),
      secondsOption('--secret-expires-in <S>', 'life of the secret, in seconds'),
      new Option('--show-secret', 'make the secret now and print it, instead of a delivery link'),
      new Option('--no-link', 'make no delivery link, and no credential'),
      new Option('--auth <METHOD>', 'how it authenticates').choices(authMethods).default('secret'),
      new Option('--require-certificate', 'its secret counts only over a connection with a certificate of its own'),
      ...networkOptions(),
    ],
    async run({ args: [name = ''], options, admin, print }) {
      const authentication = authenticationOf(options)
      if (options.scope === undefined) throw misuse('a client needs a scope', 'name at least one with --scope')
      const network = newNetwork(options)
      const { clients } = await admin()
      const created = await clients.create({
        body: {
          name,
          scopes: options.scope,
          authentication,
          contact_address: options.contact,
          token_ttl_seconds: options.tokenTtl,
          secret_expires_in: options.secretExpiresIn,
          show_secret: options.showSecret,
          link: options.link ? undefined : false,
          network,
        },
      })
      print(created, () => createdText(created))
    },
  })
}

/** Without addresses there is nothing that the other options could be about. */
function newNetwork(options: NetworkOptions): NewNetwork | undefined {
  const network = networkChange(options)
  if (network === undefined || network === null) return undefined
  const { allow } = network
  if (allow === undefined) throw misuse('no addresses are named', 'name those that it may call from, with --allow-ip')
  return { ...network, allow }
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
  if (secret === undefined) return `${clientRecord(created)}\n${nextStep(created)}\n`
  return `${clientRecord(created, ['client_secret', secret])}\nThe secret is shown only this once.\n`
}

function nextStep({ authentication, client_id: clientId }: Client): string {
  switch (authentication) {
    case 'mtls':
      return `It needs a certificate: latchkey cert issue ${clientId} --csr FILE`
    case 'self-signed-mtls':
      return `It needs its certificate registered: latchkey cert register ${clientId} --certificate FILE`
    default:
      return `It needs a secret: latchkey secret add ${clientId}`
  }
}

function authenticationOf({ auth, requireCertificate = false }: Options): Client['authentication'] {
  if (auth === 'private-key-jwt') throw notYet(`--auth ${auth}`)
  if (!requireCertificate) return auth
  if (auth === 'secret') return 'secret-and-certificate'
  throw misuse(`--auth ${auth} is by certificate alone`, 'leave out --require-certificate, or --auth')
}

const authMethods = ['secret', 'private-key-jwt', 'mtls', 'self-signed-mtls']

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Scope } from '@latchkey/protocol'
import {
  createClient,
  createResourceServer,
  Fault,
  newRequestId,
  type ChangeContext,
  type RunningServer,
} from '@latchkey/server'

/** The credential with which a newcomer makes the first calls. */
export interface Demo {
  readonly clientId: string
  readonly clientSecret: string
  readonly scope: string
  /** What the example API is registered as. */
  readonly audience: string
}

type Services = RunningServer['services']

/** What the example API is registered as, unless somebody registered it otherwise. An identifier: nothing is fetched from there, and it does not change with the port. */
const exampleAudience = 'https://api.example.com/configurations'

export const demoScopes: readonly { readonly name: string; readonly description: string }[] = [
  { name: 'configurations.read', description: 'Read product configurations' },
  { name: 'configurations.write', description: 'Create, change and delete product configurations' },
]

/**
 * Registers the `configurations` API and a demo client, through the same operations as everybody and recorded like them, unless an earlier start
 * did. The credential is kept in `<data directory>/demo.env` (0600): it works on this machine only. One that would be refused now is replaced.
 * Throws Fault `config.invalid` when what is registered leaves no room for them.
 */
export async function prepareDemo(server: RunningServer, dataDirectory: string): Promise<Demo> {
  const { services } = server
  const audience = await prepareApi(services)
  const granted = grantedToDemo()
  const scope = granted.join(' ')
  const file = path.join(dataDirectory, 'demo.env')
  const kept = readDemo(file)
  const works = kept !== undefined && (await wouldBeGranted(services, kept, scope))
  const demo = { ...(works ? kept : await makeClient(services, granted)), scope, audience }
  writeDemo(file, server.issuer, demo)
  return demo
}

export function grantedToDemo(): Scope[] {
  return demoScopes.map((scope) => `configurations/${scope.name}` as Scope)
}

/** The audience of the `configurations` API, which is registered when it is not there. */
async function prepareApi(services: Services): Promise<string> {
  const known = (await services.resourceServers.all()).find(({ name }) => name === 'configurations')
  if (known !== undefined) return known.audience
  const input = { name: 'configurations', audience: exampleAudience, scopes: demoScopes, exclusive: false }
  const created = await createResourceServer(services.change, contextOf(services), input)
  if (!created.ok) throw noRoom('example API cannot be registered', created.refusal.message)
  return exampleAudience
}

type Credential = Pick<Demo, 'clientId' | 'clientSecret'>

async function makeClient(services: Services, granted: readonly Scope[]): Promise<Credential> {
  const input = { name: 'Demo', scopes: granted }
  const created = await createClient(services.change, services.maker, contextOf(services), input)
  if (!created.ok) throw noRoom('demo client cannot be made', created.refusal.message)
  return { clientId: created.value.client.clientId, clientSecret: created.value.clientSecret }
}

/** Whether the credential of an earlier start still gets a token: client and secret may have been ended, and the scopes taken away. */
async function wouldBeGranted(services: Services, kept: Credential, scope: string): Promise<boolean> {
  const clientId = kept.clientId as Parameters<Services['clients']['find']>[0]
  const secretId = /^lk_[^_]+_([A-Za-z0-9]+)_/.exec(kept.clientSecret)?.[1] ?? ''
  const secret = await services.clients.findCredential(secretId as Parameters<Services['clients']['findCredential']>[0])
  if (secret === undefined || secret.clientId !== clientId || secret.revokedAt !== undefined) return false
  if (secret.expiresAt !== undefined && secret.expiresAt <= services.clock.now()) return false
  const preview = await services.tokens.preview({ clientId, scope })
  return preview.ok && preview.value.granted
}

export function contextOf({ random, clock }: Services): ChangeContext {
  return { actor: 'dev', requestId: newRequestId(random, clock.now()), now: clock.now() }
}

export function noRoom(what: string, why: string): Fault {
  return new Fault(
    'config.invalid',
    `the ${what}: ${why}`,
    'free what is taken, begin anew with --reset, or choose another directory with --data-dir',
  )
}

function readDemo(file: string): Credential | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
  const value = (name: string): string | undefined => new RegExp(`^${name}=(\\S+)$`, 'm').exec(text)?.[1]
  const clientId = value('LATCHKEY_CLIENT_ID')
  const clientSecret = value('LATCHKEY_CLIENT_SECRET')
  return clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret }
}

/** Written whole or not at all; the issuer may be another at each start. */
function writeDemo(file: string, issuer: string, demo: Credential): void {
  const lines = [
    `LATCHKEY_ISSUER=${issuer}`,
    `LATCHKEY_CLIENT_ID=${demo.clientId}`,
    `LATCHKEY_CLIENT_SECRET=${demo.clientSecret}`,
  ]
  writeFileSync(`${file}.new`, `${lines.join('\n')}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

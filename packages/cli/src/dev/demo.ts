import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Scope } from '@latchkey/protocol'
import { createClient, createResourceServer, newRequestId, type RunningServer } from '@latchkey/server'

/** The credential with which a newcomer makes the first calls. */
export interface Demo {
  readonly clientId: string
  readonly clientSecret: string
  readonly scope: string
}

/** What the example API is registered as. An identifier: nothing is fetched from there, and it does not change with the port. */
export const exampleAudience = 'https://api.example.com/configurations'

const scopes = [
  { name: 'configurations.read', description: 'Read product configurations' },
  { name: 'configurations.write', description: 'Create, change and delete product configurations' },
]

/**
 * Registers the `configurations` API and a demo client, through the same operations as everybody and recorded like them, unless an earlier start
 * did. The credential is kept in `<data directory>/demo.env` (0600): it works on this machine only.
 */
export async function prepareDemo(server: RunningServer, dataDirectory: string): Promise<Demo> {
  const { services } = server
  const context = () => ({
    actor: 'dev',
    requestId: newRequestId(services.random, services.clock.now()),
    now: services.clock.now(),
  })
  const known = await services.resourceServers.all()
  if (!known.some((resourceServer) => resourceServer.name === 'configurations')) {
    const input = { name: 'configurations', audience: exampleAudience, scopes, exclusive: false }
    await createResourceServer(services.change, context(), input)
  }
  const file = path.join(dataDirectory, 'demo.env')
  const granted = scopes.map((scope) => `configurations/${scope.name}` as Scope)
  const kept = readDemo(file)
  if (kept !== undefined) {
    const demo = { ...kept, scope: granted.join(' ') }
    writeDemo(file, server.issuer, demo)
    return demo
  }
  const created = await createClient(services.change, services.maker, context(), { name: 'Demo', scopes: granted })
  if (!created.ok) throw new Error(`the demo client could not be made: ${created.refusal.message}`)
  const { client, clientSecret } = created.value
  const demo = { clientId: client.clientId, clientSecret, scope: granted.join(' ') }
  writeDemo(file, server.issuer, demo)
  return demo
}

function readDemo(file: string): Omit<Demo, 'scope'> | undefined {
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
function writeDemo(file: string, issuer: string, demo: Demo): void {
  const lines = [
    `LATCHKEY_ISSUER=${issuer}`,
    `LATCHKEY_CLIENT_ID=${demo.clientId}`,
    `LATCHKEY_CLIENT_SECRET=${demo.clientSecret}`,
  ]
  writeFileSync(`${file}.new`, `${lines.join('\n')}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

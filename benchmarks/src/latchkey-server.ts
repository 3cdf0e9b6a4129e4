// A whole Latchkey on a data directory of its own, with one client: argument 1 is the audit log's sync setting.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Scope } from '@latchkey/protocol'
import {
  createClient,
  createLogger,
  createResourceServer,
  developmentConfig,
  newRequestId,
  startServer,
  systemClock,
  systemRandom,
} from '@latchkey/server'

const directory = mkdtempSync(path.join(tmpdir(), 'latchkey-bench-'))
const sync = process.argv[2] === 'answer' ? 'answer' : 'interval'
const values = { data_dir: path.join(directory, 'data'), port: 0, admin_port: 0, audit_sync: sync } as const
const server = await startServer(developmentConfig(values), {
  clock: systemClock,
  random: systemRandom(),
  logger: createLogger('error'),
  version: 'bench',
})
const { change, maker, random, clock } = server.services
const context = () => ({ actor: 'bench', requestId: newRequestId(random, clock.now()), now: clock.now() })
const scopes = ['configurations.read', 'configurations.write']
await createResourceServer(change, context(), {
  name: 'configurations',
  audience: 'https://api.example.com',
  scopes: scopes.map((name) => ({ name, description: '' })),
  exclusive: false,
})
const created = await createClient(change, maker, context(), {
  name: 'bench',
  scopes: scopes.map((name) => `configurations/${name}` as Scope),
})
if (!created.ok) throw new Error(created.refusal.message)
const { client, clientSecret } = created.value
process.stdout.write(`${JSON.stringify({ port: server.publicPort, clientId: client.clientId, clientSecret })}\n`)
process.on('SIGTERM', () => {
  void server.stop().then(() => {
    rmSync(directory, { recursive: true, force: true })
    process.exit(0)
  })
})

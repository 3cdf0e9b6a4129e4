// A whole Latchkey on a data directory of its own, with one client: argument 1 is the audit log's sync setting.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Scope } from '@latchkey/protocol'
import {
  createClient,
  createClientWithoutSecret,
  createLogger,
  createResourceServer,
  developmentConfig,
  developmentRootFile,
  issueCertificate,
  newRequestId,
  startServer,
  systemClock,
  systemRandom,
} from '@latchkey/server'

const directory = mkdtempSync(path.join(tmpdir(), 'latchkey-bench-'))
const sync = process.argv[2] === 'answer' ? 'answer' : 'interval'
const config = developmentConfig({
  data_dir: path.join(directory, 'data'),
  port: 0,
  admin_port: 0,
  mtls_port: 0,
  audit_sync: sync,
})
const server = await startServer(config, {
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

const byCertificate = await createClientWithoutSecret(change, maker, context(), {
  name: 'bench',
  scopes: client.scopes,
  authentication: 'mtls',
})
if (!byCertificate.ok) throw new Error(byCertificate.refusal.message)
const { clientId } = byCertificate.value
const asked = { csr: undefined, lifetimeSeconds: undefined }
const issued = await issueCertificate(change, { ...maker, issuer: server.issuer }, context(), clientId, asked)
if (!issued.ok) throw new Error(issued.refusal.message)
const { certificate, chain, privateKey = '' } = issued.value
const root = developmentRootFile(config)
const announced = {
  port: server.publicPort,
  clientId: client.clientId,
  clientSecret,
  mtlsPort: Number(new URL(server.mtlsTokenEndpoint ?? '').port),
  adminSocket: server.adminSocket,
  serverFiles: {
    certificate: path.join(path.dirname(root), 'server.pem'),
    key: path.join(path.dirname(root), 'server.key'),
  },
  mtls: {
    clientId,
    cert: certificate.certificate + chain,
    key: privateKey,
    ca: readFileSync(root, 'utf8'),
    csr: await makeCsr(),
  },
}
process.stdout.write(`${JSON.stringify(announced)}\n`)
process.on('SIGTERM', () => {
  void server.stop().then(() => {
    rmSync(directory, { recursive: true, force: true })
    process.exit(0)
  })
})

/** By OpenSSL, as a partner would. */
async function makeCsr(): Promise<string> {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null', '-subj', '/']
  return (await promisify(execFile)('openssl', ['req', '-new', ...curve])).stdout
}

import { chmodSync, readFileSync } from 'node:fs'
import { Agent, request, type AgentOptions } from 'node:https'
import { TLSSocket } from 'node:tls'
import { startPostgres, type PostgresServer } from '@latchkey/server/testing/postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { admin, freePorts } from './latchkey-process.ts'
import { authorityLines, certificateMaker, hasOpenssl, serverLines, type Certified } from './openssl-certificates.ts'
import { postgresInstallation, type PostgresInstallation } from './postgres-installation.ts'
import type { ServeProcess } from './serve-process.ts'

/* Certificates at two workers of one server: what ends is refused at both, on connections that are kept and on those that are resumed. OpenSSL makes the certificates. */

const isThere = await hasOpenssl()

let postgres: PostgresServer
let installation: PostgresInstallation
let server: ServeProcess
let port: number
let root: Certified

beforeAll(async () => {
  if (!isThere) return
  postgres = await startPostgres()
  installation = postgresInstallation(postgres.url(await postgres.createDatabase()))
  const maker = certificateMaker(installation.directory)
  root = await maker.make('server', serverLines)
  chmodSync(root.keyFile, 0o600)
  ;[port = 0] = await freePorts(1)
  server = await start()
  const scopes = [{ name: 'read', description: 'Read' }]
  const api = { name: 'billing', audience: 'https://billing.example.com', scopes }
  await admin(server.serving.admin_socket, 'POST', '/resource-servers', api)
}, 120_000)
afterAll(async () => {
  if (!isThere) return
  await server.stop('SIGKILL')
  await postgres.dispose()
  installation.remove()
})

function start(): Promise<ServeProcess> {
  const files = ['--mtls-cert', root.certificateFile, '--mtls-key', root.keyFile]
  return installation.start('mtls', ['--workers', '2', '--mtls-port', String(port), ...files])
}

interface Partner {
  readonly clientId: string
  readonly identity: { readonly cert: string; readonly key: string }
  /** Ends what it authenticates by. */
  readonly end: () => Promise<number>
}

/** Of what the calls below are answered with; each of them with some. */
type Answered = Readonly<Record<'client_id' | 'certificate' | 'chain' | 'serial' | 'id', string>>

async function call(path: string, body?: object): Promise<{ status: number; body: Answered }> {
  return admin(server.serving.admin_socket, 'POST', path, body)
}

async function createClient(): Promise<string> {
  const made = await call('/clients', {
    name: 'partner',
    scopes: ['billing/read'],
    authentication: 'mtls',
  })
  return made.body.client_id
}

/** Has a certificate that the server issued. */
async function issued(name: string): Promise<Partner> {
  const clientId = await createClient()
  const { csr, keyFile } = await certificateMaker(installation.directory).request(name)
  const { body } = await call(`/clients/${clientId}/certificates`, { csr })
  return {
    clientId,
    identity: { cert: body.certificate + body.chain, key: readFileSync(keyFile, 'utf8') },
    end: async () => (await call(`/certificates/${body.serial}/revoke`, {})).status,
  }
}

/** Has a certificate of its own authority, below an intermediate that it sends along. */
async function foreign(name: string): Promise<Partner> {
  const clientId = await createClient()
  const maker = certificateMaker(installation.directory)
  const anchor = await maker.make(`${name}-root`, authorityLines)
  const intermediate = await maker.make(`${name}-clients`, authorityLines, anchor)
  const host = `${name}.example.com`
  const leaf = await maker.make(name, `subjectAltName=DNS:${host}\nextendedKeyUsage=clientAuth\n`, intermediate)
  const { body } = await call(`/clients/${clientId}/registered-subjects`, {
    san_dns: host,
    anchor: anchor.certificate,
  })
  return {
    clientId,
    identity: { cert: leaf.certificate + intermediate.certificate, key: leaf.key },
    end: async () => (await call(`/registered-subjects/${body.id}/revoke`)).status,
  }
}

interface Outcome {
  readonly status: number
  readonly isResumed: boolean
}

function token({ clientId, identity }: Partner, agent: Agent): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`https://localhost:${port}/oauth2/token`, {
      method: 'POST',
      agent,
      ca: root.certificate,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      ...identity,
    })
    outgoing.on('response', (incoming) => {
      const isResumed = incoming.socket instanceof TLSSocket && incoming.socket.isSessionReused()
      incoming.resume().on('end', () => resolve({ status: incoming.statusCode ?? 0, isResumed }))
    })
    outgoing.on('error', reject)
    outgoing.end(new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId }).toString())
  })
}

/** What the tests before the last have left. */
const left: { readonly ended: Partner; readonly kept: Partner; readonly versions: AgentOptions }[] = []

const times = Array.from({ length: 8 }, (_, i) => i)

describe.skipIf(!isThere).each([
  ['issued here', issued],
  ['of a foreign authority', foreign],
])('a certificate %s', (_kind, make) => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'over %s: taken at both workers until it ends, then refused on every connection',
    { timeout: 120_000 },
    async (version) => {
      const versions = { minVersion: version, maxVersion: version } as const
      const name = `${make.name}-${version.replaceAll('.', '-')}`.toLowerCase()
      const [partner, other] = [await make(name), await make(`${name}-kept`)]
      const kept = times.map(() => new Agent({ keepAlive: true, maxSockets: 1, ...versions }))
      const resuming = new Agent({ keepAlive: false, maxCachedSessions: 20, ...versions })
      const anew = () => new Agent({ keepAlive: false, maxCachedSessions: 0, ...versions })
      // First, one after the other, so that workers meet the sessions of each other with certificates that they have never seen.
      for (const _ of times) expect((await token(partner, resuming)).status).toBe(200)
      for (const agent of kept) expect((await token(partner, agent)).status).toBe(200)
      // Workers take connections in turn: with one between, the next is its own again.
      const begun: Outcome[] = []
      for (const _ of times) {
        begun.push(await token(partner, resuming))
        expect((await token(partner, anew())).status).toBe(200)
      }
      expect(begun.map(({ status }) => status)).toEqual(times.map(() => 200))
      expect(begun.filter(({ isResumed }) => isResumed).length).toBeGreaterThan(0)

      expect(await partner.end()).toBe(200)
      // Other workers hear of it within a second (docs/architecture.md, Storage).
      await new Promise((resolve) => setTimeout(resolve, 1000))
      for (const agent of kept) expect((await token(partner, agent)).status).toBe(401)
      const ended: Outcome[] = []
      for (const _ of times) {
        ended.push(await token(partner, resuming))
        expect((await token(partner, anew())).status).toBe(401)
        expect((await token(other, anew())).status).toBe(200)
        expect((await token(other, anew())).status).toBe(200)
      }
      expect(ended.map(({ status }) => status)).toEqual(times.map(() => 401))
      expect(ended.filter(({ isResumed }) => isResumed).length).toBeGreaterThan(0)
      for (const agent of [...kept, resuming]) agent.destroy()

      left.push({ ended: partner, kept: other, versions })
    },
  )
})

test.skipIf(!isThere)(
  'after a restart what ended stays ended, and the others are taken',
  { timeout: 120_000 },
  async () => {
    expect(left).toHaveLength(4)
    await server.stop()
    server = await start()
    for (const { ended, kept, versions } of left) {
      for (const _ of [1, 2]) {
        expect((await token(ended, new Agent(versions))).status).toBe(401)
        expect((await token(kept, new Agent(versions))).status).toBe(200)
      }
    }
  },
)

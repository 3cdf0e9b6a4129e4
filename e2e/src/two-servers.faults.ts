// Two servers on one PostgreSQL: what is changed on one is in force on the other, and at a verifier that follows the other. How soon is printed.
import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPostgres, type PostgresServer } from '@latchkey/server/testing/postgres'
import { admin, mustBe, postForm } from './latchkey-process.ts'
import { postgresInstallation, type PostgresInstallation } from './postgres-installation.ts'
import type { ServeProcess } from './serve-process.ts'

const times = process.env['LATCHKEY_FAULTS'] === 'short' ? 20 : 200

interface Client {
  readonly client_id: string
  readonly client_secret: string
}

let installation: PostgresInstallation
let postgres: PostgresServer
let one: ServeProcess
let two: ServeProcess

beforeAll(async () => {
  postgres = await startPostgres({ fsync: true })
  installation = postgresInstallation(postgres.url(await postgres.createDatabase()))
  ;[one, two] = await Promise.all([installation.start('one'), installation.start('two')])
  const billing = {
    name: 'billing',
    audience: 'https://billing.example.com',
    scopes: [{ name: 'read', description: 'Read' }],
  }
  mustBe(201, await admin(one.serving.admin_socket, 'POST', '/resource-servers', billing))
})
afterAll(async () => {
  await Promise.all([one, two].map((server) => server.stop()))
  await postgres.dispose()
  installation.remove()
})

const grant = { grant_type: 'client_credentials' }

test(
  `${times} clients disabled on one server: refused by the other, and published by it`,
  { timeout: 600_000 },
  async () => {
    const endings = followRevocations(two.serving.public)
    const refusedAfter: number[] = []
    const publishedAfter: number[] = []
    for (let i = 0; i < times; i++) {
      const { body: client } = await admin<Client>(one.serving.admin_socket, 'POST', '/clients', {
        name: 'short-lived',
        scopes: ['billing/read'],
        show_secret: true,
      })
      // In the other's memory, so that only the news of the change can make it refuse.
      const granted = await postForm<{ access_token: string }>(`${two.serving.public}/oauth2/token`, client, grant)
      expect(granted.status).toBe(200)
      const [reference = ''] = Object.keys(credentialsOf(granted.body.access_token))

      const disabled = await admin(one.serving.admin_socket, 'POST', `/clients/${client.client_id}/disable`)
      const began = performance.now()
      expect(disabled.status).toBe(200)
      const published = endings.wait(reference)
      for (;;) {
        const answer = await postForm(`${two.serving.public}/oauth2/token`, client, grant)
        // Refused; after a hundred refusals within a minute the rest is told to wait (429), and only refused requests ever are.
        if (answer.status === 401 || answer.status === 429) break
        expect(answer.status).toBe(200)
        expect(performance.now() - began).toBeLessThan(10_000)
      }
      refusedAfter.push(performance.now() - began)
      publishedAfter.push((await published) - began)
    }
    endings.close()
    console.log(
      `refused by the other server after ${spread(refusedAfter)}; published there after ${spread(publishedAfter)}`,
    )
  },
)

/** The private claim that names the credentials which took part. */
function credentialsOf(token: string): object {
  const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    lk_credentials: object
  }
  return payload.lk_credentials
}

/** Follows the feed; tells when an entry about a reference arrived. */
function followRevocations(issuer: string) {
  const arrived = new Map<string, number>()
  const waiting = new Map<string, (at: number) => void>()
  const outgoing = request(`${issuer}/oauth2/revocations`, { headers: { Accept: 'text/event-stream' }, agent: false })
  outgoing.on('response', (incoming) => {
    incoming.setEncoding('utf8')
    incoming.on('data', (chunk: string) => {
      for (const [, reference = ''] of chunk.matchAll(/"subject":"([^"]+)"/g)) {
        if (arrived.has(reference)) continue
        arrived.set(reference, performance.now())
        waiting.get(reference)?.(performance.now())
      }
    })
    incoming.on('error', () => undefined)
  })
  outgoing.on('error', () => undefined)
  outgoing.end()
  return {
    wait: (reference: string) =>
      new Promise<number>((resolve) => {
        const at = arrived.get(reference)
        if (at === undefined) waiting.set(reference, resolve)
        else resolve(at)
      }),
    close: () => outgoing.destroy(),
  }
}

function spread(list: readonly number[]): string {
  const ms = list.toSorted((a, b) => a - b)
  const at = (part: number) => (ms[Math.min(ms.length - 1, Math.floor(ms.length * part))] ?? 0).toFixed(1)
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1)} ms`
}

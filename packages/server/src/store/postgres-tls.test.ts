import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeCertificate } from '../http/certificate.test.support.ts'
import { openStore } from './open-store.ts'
import { startPostgres, type PostgresServer } from './postgres-server.test.support.ts'

let folder: string
let server: PostgresServer
let expired: PostgresServer

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'lk-pg-tls-'))
  const certificate = await makeCertificate()
  const old = await makeCertificate('2000-01-01', '2001-01-01')
  const other = await makeCertificate()
  for (const [name, { certificate: pem }] of Object.entries({ server: certificate, old, other })) {
    writeFileSync(path.join(folder, `${name}.pem`), pem)
  }
  server = await startPostgres({ tls: certificate })
  expired = await startPostgres({ tls: old })
})

afterAll(async () => {
  await server.dispose()
  await expired.dispose()
  rmSync(folder, { recursive: true })
})

function url(of: PostgresServer, query: Record<string, string>, host = '127.0.0.1'): string {
  const made = new URL(of.url())
  made.hostname = host
  for (const [name, value] of Object.entries(query)) made.searchParams.set(name, value)
  return made.href
}

const authority = (name: string) => ({ sslrootcert: path.join(folder, `${name}.pem`) })

describe('TLS to PostgreSQL', () => {
  test.for([
    ['127.0.0.1', 'verify-full'],
    ['localhost', 'verify-full'],
    ['localhost', 'verify-ca'],
    ['127.0.0.1', 'require'],
  ])('to %s with sslmode=%s and the right authority', async ([host, sslmode = '']) => {
    const store = await openStore({ kind: 'postgres', url: url(server, { sslmode, ...authority('server') }, host) })
    try {
      await store.doctor.ping()
      const connections = await server.query<{ ssl: boolean }>(
        `select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name like 'latchkey %'`,
      )
      expect(connections.length).toBeGreaterThan(0)
      expect(connections.every(({ ssl }) => ssl)).toBe(true)
    } finally {
      await store.close()
    }
  })

  test.for(['verify-full', 'verify-ca', 'require'])(
    'sslmode=%s trusts neither an authority that nobody knows nor another one',
    async (sslmode) => {
      for (const query of [{ sslmode }, { sslmode, ...authority('other') }]) {
        await expect(openStore({ kind: 'postgres', url: url(server, query) })).rejects.toMatchObject({
          code: 'store.unavailable',
          message: expect.stringMatching(/its certificate is not to be trusted/) as unknown,
        })
      }
    },
  )

  test('a certificate that has expired', async () => {
    const query = { sslmode: 'verify-full', ...authority('old') }
    await expect(openStore({ kind: 'postgres', url: url(expired, query) })).rejects.toMatchObject({
      message: expect.stringMatching(/CERT_HAS_EXPIRED/) as unknown,
    })
  })
})

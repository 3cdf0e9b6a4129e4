import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { EpochMs } from '@latchkey/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { developmentConfig, type Config } from '../config/config.ts'
import { Fault } from '../kernel/faults.ts'
import { send, sqliteFile, startTestServer } from '../testing/start-test-server.ts'
import { serverFindings } from './server-findings.ts'
import { dayMs, type DoctorSubject } from './subject.ts'

const now = Date.UTC(2026, 10, 23, 12) as EpochMs

let folder: string
let metadata: Server
let answered: string
let issuer: string

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-doctor-'))
  chmodSync(folder, 0o700)
  mkdirSync(path.join(folder, 'audit'), { mode: 0o700 })
  for (const name of ['latchkey.db', 'master.key', 'tls.pem', 'admin.sock']) {
    writeFileSync(path.join(folder, name), '', { mode: 0o600 })
  }
  metadata = createServer((_, response) => response.end(answered))
  await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`
  answered = JSON.stringify({ issuer })
})

afterEach(() => {
  metadata.close()
  rmSync(folder, { recursive: true })
})

function key(state: string, signsForDays: number): object {
  return { kid: `${state}-key`, state, algorithm: 'ES256', createdAt: now, activatedAt: now - signsForDays * dayMs }
}

function config(): Config {
  const base = developmentConfig({ data_dir: folder, master_key_file: path.join(folder, 'master.key') })
  const tls = { certificate: path.join(folder, 'tls.pem'), key: path.join(folder, 'tls.pem') }
  return { ...base, mode: 'serve', tls, proxies: [{ networks: ['10.1.2.0/24'], addressHeader: 'x-forwarded-for' }] }
}

/** What a server with nothing wrong would tell of itself: the files are real, and so is the issuer that is asked. */
function healthy(): DoctorSubject {
  return {
    config: config(),
    issuer,
    clock: { now: () => now },
    isSteady: () => true,
    keys: () => ({ active: key('active', 3), all: [key('active', 3), key('standby', 0)] }) as never,
    keyRules: { algorithm: 'ES256', rotationMs: 90 * dayMs, publishedMs: 0, keptMs: 0 },
    auditProblem: () => undefined,
    auditLogs: () => Promise.resolve([]),
    isOwnLog: (host) => host === 'here',
    mtlsCertificate: () => undefined,
    authority: () => Promise.resolve({ notAfter: now + 1000 * dayMs, isOurs: true }),
    certificate: () => ({ notAfter: now + 60 * dayMs, covers: (host) => host === '127.0.0.1' }),
    ignoredForwarding: () => undefined,
    socketPath: () => path.join(folder, 'admin.sock'),
    database: {
      check: () => Promise.resolve('ok'),
      now: () => Promise.resolve(now - 500),
      lastAuditTime: () => Promise.resolve(now - 1),
      lastTimeOf: (event) => Promise.resolve(event === 'backup.taken' ? now - dayMs : undefined),
      expiringSecrets: () => Promise.resolve([]),
      noticeCounts: () => Promise.resolve({ waiting: 0, waitingSince: undefined, givenUp: 0 }),
      pendingMigrations: () => Promise.resolve([]),
    },
  }
}

function withDatabase(change: Partial<DoctorSubject['database']>): (subject: DoctorSubject) => DoctorSubject {
  return (subject) => ({ ...subject, database: { ...subject.database, ...change } })
}

function withConfig(change: Partial<Config>): (subject: DoctorSubject) => DoctorSubject {
  return (subject) => ({ ...subject, config: { ...subject.config, ...change } })
}

function ignoring(ignored: ReturnType<DoctorSubject['ignoredForwarding']>): (subject: DoctorSubject) => DoctorSubject {
  return (subject) => ({ ...subject, ignoredForwarding: () => ignored })
}

function log(host: string, daysAgo: number): object {
  return {
    id: host,
    host,
    openedAt: now - daysAgo * dayMs,
    closedAt: undefined,
    firstSegment: 1,
    checkpoint: undefined,
  }
}

test('a server with nothing wrong gets no advice', async () => {
  const findings = await serverFindings(healthy())
  expect(findings.filter(({ status }) => status !== 'ok')).toEqual([])
  expect(findings.every(({ remedy }) => remedy === undefined)).toBe(true)
  expect(findings).toHaveLength(16)
})

describe('each thing that may be wrong is found alone, with what to do', () => {
  test.each<[check: string, status: string, says: RegExp, change: (subject: DoctorSubject) => DoctorSubject]>([
    ['database', 'failed', /damaged: page 7/, withDatabase({ check: () => Promise.resolve('page 7') })],
    ['schema', 'failed', /lacks 0009-x/, withDatabase({ pendingMigrations: () => Promise.resolve(['0009-x']) })],
    [
      'schema',
      'failed',
      /newer Latchkey/,
      withDatabase({
        pendingMigrations: () => Promise.reject(new Fault('schema.newer', 'a newer Latchkey', 'start it')),
      }),
    ],
    ['audit log', 'failed', /no space/, (subject) => ({ ...subject, auditProblem: () => 'no space' })],
    ['backups', 'warning', /ever/, withDatabase({ lastTimeOf: () => Promise.resolve(undefined) })],
    ['backups', 'warning', /8 days ago/, withDatabase({ lastTimeOf: () => Promise.resolve(now - 8.5 * dayMs) })],
    [
      'signing keys',
      'warning',
      /no standby/,
      (subject) => ({ ...subject, keys: () => ({ active: key('active', 1), all: [key('active', 1)] }) as never }),
    ],
    [
      'signing keys',
      'warning',
      /active-key is 5 day\(s\) overdue/,
      (subject) => ({
        ...subject,
        keys: () => ({ active: key('active', 95), all: [key('active', 95), key('standby', 1)] }) as never,
      }),
    ],
    [
      'secrets',
      'warning',
      /in 3 day\(s\): abc of client-1/,
      withDatabase({
        expiringSecrets: () => Promise.resolve([{ clientId: 'client-1', id: 'abc', expiresAt: now + 3.5 * dayMs }]),
      }),
    ],
    [
      'messages',
      'warning',
      /2 message\(s\) wait to be sent, the oldest for 61 minutes/,
      withDatabase({
        noticeCounts: () => Promise.resolve({ waiting: 2, waitingSince: (now - 61 * 60_000) as EpochMs, givenUp: 0 }),
      }),
    ],
    [
      'messages',
      'warning',
      /3 message\(s\) were given up/,
      withDatabase({ noticeCounts: () => Promise.resolve({ waiting: 0, waitingSince: undefined, givenUp: 3 }) }),
    ],
    [
      'TLS certificate',
      'warning',
      /ends in 13 day/,
      (subject) => ({ ...subject, certificate: () => ({ notAfter: now + 13.5 * dayMs, covers: () => true }) }),
    ],
    [
      'TLS certificate',
      'failed',
      /ended 2 day/,
      (subject) => ({ ...subject, certificate: () => ({ notAfter: now - 2.5 * dayMs, covers: () => true }) }),
    ],
    [
      'TLS certificate',
      'warning',
      /not made out to 127\.0\.0\.1/,
      (subject) => ({ ...subject, certificate: () => ({ notAfter: now + 90 * dayMs, covers: () => false }) }),
    ],
    [
      'client authority',
      'warning',
      /ends in 179 day/,
      (subject) => ({ ...subject, authority: () => Promise.resolve({ notAfter: now + 179.5 * dayMs, isOurs: true }) }),
    ],
    [
      'client authority',
      'failed',
      /ended 1 day/,
      (subject) => ({ ...subject, authority: () => Promise.resolve({ notAfter: now - 1.5 * dayMs, isOurs: false }) }),
    ],
    ['clock', 'failed', /60 s behind that of the database/, withDatabase({ now: () => Promise.resolve(now + 60_000) })],
    [
      'clock',
      'failed',
      /60 s ahead of that of the database/,
      withDatabase({ now: () => Promise.resolve(now - 60_000) }),
    ],
    ['clock', 'warning', /9 s behind the last/, withDatabase({ lastAuditTime: () => Promise.resolve(now + 9000) })],
    ['clock', 'warning', /was set/, (subject) => ({ ...subject, isSteady: () => false })],
    [
      'proxies',
      'failed',
      /0\.0\.0\.0\/0/,
      withConfig({ proxies: [{ networks: ['10.1.2.3', '0.0.0.0/0'], addressHeader: 'forwarded' }] }),
    ],
    [
      'proxies',
      'failed',
      /2000::\/3/,
      withConfig({ proxies: [{ networks: ['2000::/3'], addressHeader: 'forwarded' }] }),
    ],
    [
      'proxies',
      'warning',
      /10\.9\.9\.9, which is no trusted proxy, forwards.*by x-real-ip \(4 ignored/,
      ignoring({ peer: '10.9.9.9', header: 'x-real-ip', because: 'no-proxy', count: 4 }),
    ],
    [
      'proxies',
      'warning',
      /10\.1\.2\.3 hands on client-cert, which its entry.*\(1 ignored so far/,
      ignoring({ peer: '10.1.2.3', header: 'client-cert', because: 'not-named', count: 1 }),
    ],
    [
      'proxies',
      'warning',
      /10\.1\.2\.3 does not say x-ssl-client-cert in a way/,
      ignoring({ peer: '10.1.2.3', header: 'x-ssl-client-cert', because: 'unreadable', count: 2 }),
    ],
    [
      'other servers',
      'warning',
      /1 server.*gone-1, 9 days/,
      (subject) => ({
        ...subject,
        auditLogs: () => Promise.resolve([log('gone-1', 9), log('here', 30), log('new-1', 1)] as never),
      }),
    ],
    [
      'issuer',
      'warning',
      /cannot be reached/,
      (subject) => ({ ...subject, issuer: 'http://127.0.0.1:9', certificate: () => undefined }),
    ],
  ])('%s: %s, %s', async (check, status, says, change) => {
    const findings = await serverFindings(change(healthy()))
    expect(findings.filter((finding) => finding.status !== 'ok')).toEqual([
      { check, status, message: expect.stringMatching(says) as string, remedy: expect.stringMatching(/\S/) as string },
    ])
  })

  test('an issuer that is somebody else', async () => {
    answered = JSON.stringify({ issuer: 'https://other.example' })
    const found = (await serverFindings(healthy())).filter(({ status }) => status !== 'ok')
    expect(found).toMatchObject([{ check: 'issuer', status: 'failed' }])
  })

  test.each([
    ['.', 0o750],
    ['latchkey.db', 0o644],
    ['master.key', 0o640],
    ['tls.pem', 0o644],
    ['admin.sock', 0o666],
  ])('permissions of %s', async (name, mode) => {
    chmodSync(path.join(folder, name), mode)
    const found = (await serverFindings(healthy())).filter(({ status }) => status !== 'ok')
    expect(found.map(({ check, status }) => [check, status])).toEqual([['permissions', 'failed']])
    expect(found[0]?.remedy).toContain('chmod go= ')
  })

  test('a TLS key may belong to a group; a development server needs no backups', async () => {
    chmodSync(path.join(folder, 'tls.pem'), 0o640)
    const none = withDatabase({ lastTimeOf: () => Promise.resolve(undefined) })
    const found = await serverFindings(withConfig({ mode: 'dev' })(none(healthy())))
    expect(found.filter(({ status }) => status !== 'ok')).toEqual([])
  })
})

test('a real server: what forwards from near without being trusted is found, and a file that others may read', async () => {
  const server = await startTestServer()
  try {
    const sound = await server.services.doctor()
    expect(sound.filter(({ status }) => status !== 'ok')).toEqual([])
    await send(`${server.issuer}/oauth2/jwks`, { headers: { 'x-forwarded-for': '198.51.100.7' } })
    chmodSync(sqliteFile(server.config), 0o644)
    const found = (await server.services.doctor()).filter(({ status }) => status !== 'ok')
    expect(found.map(({ check }) => check)).toEqual(['permissions', 'proxies'])
    expect(found[1]?.message).toContain('127.0.0.1')
  } finally {
    await server.dispose()
  }
})

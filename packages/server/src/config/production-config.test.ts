import { availableParallelism } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { Fault } from '../kernel/faults.ts'
import { loadSettings } from './load.ts'
import { productionConfig, productionWarnings, storageConfig } from './production-config.ts'
import type { SettingValues } from './settings.ts'

/** The least that `serve` needs to be told. */
const least: SettingValues = {
  issuer: 'https://login.example.com',
  data_dir: '/var/lib/latchkey',
  master_key_file: '/etc/latchkey/master.key',
}
const tls: SettingValues = { tls_cert: '/etc/tls/chain.pem', tls_key: '/etc/tls/key.pem' }
const handsOn = { networks: ['10.0.0.7'], addressHeader: 'x-real-ip', certificateHeader: 'x-ssl-client-cert' } as const
const postgres: SettingValues = { database_url: 'postgres://latchkey:SEKRET@db.example.com/latchkey' }

test('the least that it needs, with every default', () => {
  expect(productionConfig(least)).toEqual({
    mode: 'serve',
    issuer: 'https://login.example.com',
    environment: 'prod',
    host: '127.0.0.1',
    port: 8400,
    adminHost: '127.0.0.1',
    adminPort: 8401,
    apiPort: 8402,
    consoleUrl: undefined,
    dataDirectory: '/var/lib/latchkey',
    database: { kind: 'sqlite', path: '/var/lib/latchkey/latchkey.db' },
    migrates: true,
    masterKey: { kind: 'file', path: '/etc/latchkey/master.key' },
    tls: undefined,
    adminTls: undefined,
    proxies: [],
    workers: 1,
    signingAlgorithm: 'ES256',
    keyRotationDays: 90,
    drainDelayMs: 5000,
    auditSync: 'interval',
    logLevel: 'info',
    adminSocket: undefined,
    accessRequests: { mode: 'invitation', approvals: 1, retentionDays: 365 },
    notices: { smtp: undefined, from: 'latchkey@localhost', teamAddresses: [], webhook: undefined },
  })
})

describe('what is refused, each with what to do', () => {
  const { issuer, data_dir, master_key_file } = least
  test.each<[what: string, values: SettingValues, message: RegExp, remedy: RegExp]>([
    ['no issuer', { data_dir, master_key_file } as SettingValues, /no issuer/, /--issuer/],
    ['an http issuer', { ...least, issuer: 'http://login.example.com' }, /is not https/, /https URL/],
    ['an http issuer on loopback', { ...least, issuer: 'http://127.0.0.1:8400' }, /is not https/, /latchkey dev/],
    ['no data directory', { issuer, master_key_file } as SettingValues, /no data directory/, /latchkey init/],
    ['no master key', { issuer, data_dir } as SettingValues, /no master key.*never makes one/, /latchkey init/],
    ['two master keys', { ...least, master_key: 'SEKRET' }, /both LATCHKEY_MASTER_KEY and/, /leave one/],
    ['a certificate without key', { ...least, tls_cert: '/c' }, /tls_cert is set without tls_key/, /set tls_key/],
    ['a key without certificate', { ...least, tls_key: '/k' }, /tls_key is set without tls_cert/, /set tls_cert/],
    ['plain HTTP to the network', { ...least, host: '0.0.0.0' }, /0\.0\.0\.0 would speak plain HTTP/, /--tls-cert/],
    ['plain HTTP on a name', { ...least, host: 'login.internal' }, /plain HTTP/, /--insecure-http/],
    ['plain administration', { ...least, admin_host: '10.0.0.5' }, /admin listener on 10/, /leave --admin-host out/],
    [
      'plain administration behind a proxy, which stands before the public listener only',
      { ...least, host: '0.0.0.0', admin_host: '0.0.0.0', trusted_proxies: ['10.0.0.0/8'] },
      /admin listener/,
      /--admin-host/,
    ],
    ['workers on an embedded database', { ...least, workers: 2 }, /2 workers cannot share/, /PostgreSQL/],
    ['another kind of database', { ...least, database_url: 'mysql://u:SEKRET@h/d' }, /neither sqlite/, /DATABASE_URL/],
    [
      'a PostgreSQL URL without a database',
      { ...least, database_url: 'postgres://u:SEKRET@h' },
      /names no database/,
      /URL/,
    ],
    [
      'a proxy in both forms',
      { ...least, trusted_proxies: ['10.0.0.0/8'], proxies: [{ networks: ['10.1.2.3'], addressHeader: 'x-real-ip' }] },
      /trusted_proxies and proxies contradict each other: 10\.1\.2\.3 overlaps with 10\.0\.0\.0\/8/,
      /name each proxy once/,
    ],
    [
      'a URL for certificates at which nobody asks for one',
      { ...least, mtls_url: 'https://mtls.example.com', trusted_proxies: ['10.0.0.0/8'] },
      /nobody asks clients for certificates there/,
      /certificate_header/,
    ],
    ['a PostgreSQL URL that is none', { ...least, database_url: 'postgres://u:SEKRET@:x/' }, /neither sqlite/, /URL/],
  ])('%s', (_, values, message, remedy) => {
    let thrown: unknown
    try {
      productionConfig(values)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(Fault)
    const fault = thrown as Fault
    expect(fault.code).toBe('config.invalid')
    expect(fault.message).toMatch(message)
    expect(fault.remedy).toMatch(remedy)
    expect(`${fault.message}${fault.remedy}`).not.toMatch(/\n|SEKRET/)
    expect(`${fault.stack} ${String(fault.cause)}`).not.toContain('SEKRET')
  })

  test('an issuer with a trailing slash, before anything else looks at it', () => {
    const flags = { issuer: 'https://login.example.com/' }
    expect(() => loadSettings({ flags, environment: {}, file: undefined, mode: 'serve' })).toThrow(/trailing slash/)
  })
})

describe('what is allowed', () => {
  const files = { certificate: '/etc/tls/chain.pem', key: '/etc/tls/key.pem' }
  test.each<[what: string, values: SettingValues, expected: object]>([
    [
      'TLS to the network, plain administration on loopback',
      { ...tls, host: '0.0.0.0' },
      { tls: files, adminTls: undefined },
    ],
    ['TLS for both', { ...tls, host: '::', admin_host: '::' }, { tls: files, adminTls: files }],
    ['a proxy that ends TLS', { host: '0.0.0.0', trusted_proxies: ['10.0.0.0/8'] }, { tls: undefined }],
    [
      'a proxy that ends TLS, with other headers',
      { host: '0.0.0.0', proxies: [{ networks: ['10.0.0.7'], addressHeader: 'forwarded' }] },
      { tls: undefined, mtls: undefined, proxies: [{ networks: ['10.0.0.7'], addressHeader: 'forwarded' }] },
    ],
    [
      'both forms beside each other',
      { trusted_proxies: ['10.0.0.8'], proxies: [{ networks: ['10.0.0.7'], addressHeader: 'forwarded' }] },
      {
        proxies: [
          { networks: ['10.0.0.8'], addressHeader: 'x-forwarded-for' },
          { networks: ['10.0.0.7'], addressHeader: 'forwarded' },
        ],
      },
    ],
    [
      'a proxy that asks for certificates',
      { mtls_url: 'https://mtls.example.com', proxies: [handsOn] },
      { mtls: { url: 'https://mtls.example.com', listener: undefined }, proxies: [handsOn] },
    ],
    [
      'plain HTTP that was asked for',
      { host: '0.0.0.0', admin_host: '0.0.0.0', insecure_http: true },
      { tls: undefined },
    ],
    ['workers on PostgreSQL', { ...postgres, workers: 3 }, { workers: 3 }],
    ['a worker for each core', { ...postgres, workers: 'auto' }, { workers: availableParallelism() }],
    ['PostgreSQL on a unix socket', { database_url: 'postgresql:///latchkey?host=/run/postgresql' }, { workers: 1 }],
    ['no migration', { migrate: false }, { migrates: false }],
  ])('%s', (_, values, expected) => {
    expect(productionConfig({ ...least, ...values })).toMatchObject(expected)
  })
})

test.each<[values: SettingValues, warnings: RegExp[]]>([
  [{ ...tls, host: '0.0.0.0' }, []],
  [{ host: '0.0.0.0', trusted_proxies: ['10.0.0.0/8'] }, []],
  [{}, [/no trusted_proxies/]],
  [{ proxies: [handsOn] }, [/no mtls_url is set/]],
  [{ proxies: [handsOn], mtls_url: 'https://mtls.example.com' }, []],
  [{ ...tls, environment: 'dev' }, [/environment is called dev/]],
  [{ host: '0.0.0.0', insecure_http: true }, [/no trusted_proxies/, /public listener speaks plain HTTP/]],
  [{ admin_host: '0.0.0.0', insecure_http: true, trusted_proxies: ['10.0.0.1'] }, [/admin listener speaks plain HTTP/]],
])('%j warns of what is seldom meant', (values, warnings) => {
  const found = productionWarnings(productionConfig({ ...least, ...values }))
  expect(found).toEqual(warnings.map((warning) => expect.stringMatching(warning) as string))
})

test('what a command means nothing to is named; what it knows is not', () => {
  const environment = { LATCHKEY_WORKERS: '2', LATCHKEY_API_PORT: '1', LATCHKEY_PORT: '1' }
  const names = (mode: 'dev' | 'serve') => loadSettings({ flags: {}, environment, file: undefined, mode }).warnings
  expect(names('dev')).toEqual([expect.stringMatching(/^LATCHKEY_WORKERS means nothing to `latchkey dev`/)])
  expect(names('serve')).toEqual([expect.stringMatching(/^LATCHKEY_API_PORT means nothing to `latchkey serve`/)])
})

test('where the data are is known without the rest', () => {
  expect(storageConfig({ data_dir: 'data' })).toEqual({
    dataDirectory: path.resolve('data'),
    database: { kind: 'sqlite', path: path.resolve('data', 'latchkey.db') },
  })
  expect(() => storageConfig({})).toThrow(/no data directory/)
})

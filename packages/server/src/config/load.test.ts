import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Fault } from '../kernel/faults.ts'
import { developmentConfig } from './config.ts'
import { loadSettings, type ConfigSources, type LoadedSettings } from './load.ts'
import {
  defaultText,
  flagName,
  settingKeys,
  settings,
  variableName,
  type SettingKey,
  type SettingValues,
} from './settings.ts'

let directory: string
let file: string

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'latchkey-config-'))
  file = path.join(directory, 'latchkey.yaml')
})

afterEach(() => rm(directory, { recursive: true }))

async function load(sources: Partial<Omit<ConfigSources, 'file'>> & { yaml?: string }): Promise<LoadedSettings> {
  const { yaml, flags = {}, environment = {} } = sources
  if (yaml !== undefined) await writeFile(file, yaml)
  return loadSettings({ flags, environment, file: yaml === undefined ? undefined : file })
}

async function refusal(work: Promise<unknown>): Promise<Fault> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(Fault)
  const fault = error as Fault
  expect(fault.code).toBe('config.invalid')
  expect(fault.remedy).not.toBe('')
  expect(`${fault.message}${fault.remedy}`).not.toContain('\n')
  return fault
}

describe('where a setting comes from', () => {
  test('flags before environment before file', async () => {
    const yaml = 'port: 1\nadmin_port: 1\napi_port: 1\n'
    const environment = { LATCHKEY_PORT: '2', LATCHKEY_ADMIN_PORT: '2' }
    const { values } = await load({ flags: { port: '3' }, environment, yaml })
    expect(values).toEqual({ port: 3, admin_port: 2, api_port: 1 })
  })

  test('an empty variable means unset; without anything there is nothing', async () => {
    expect((await load({ environment: { LATCHKEY_PORT: '' }, yaml: 'port: 1' })).values).toEqual({ port: 1 })
    expect((await load({ environment: { LATCHKEY_PORT: '', LATCHKEY_HOST: undefined } })).values).toEqual({})
    for (const yaml of ['', '# only a comment\n', '{}', '---\n']) expect((await load({ yaml })).values).toEqual({})
  })

  test('what a flag overrides may be wrong', async () => {
    const { values } = await load({ flags: { port: '1' }, environment: { LATCHKEY_PORT: 'nonsense' } })
    expect(values.port).toBe(1)
  })

  const given: Readonly<Record<Exclude<SettingKey, 'proxies'>, readonly [text: string, value: unknown]>> = {
    issuer: ['https://auth.example.com/tenant', 'https://auth.example.com/tenant'],
    environment: ['prod1', 'prod1'],
    host: ['127.0.0.1', '127.0.0.1'],
    port: ['0', 0],
    admin_host: ['::1', '::1'],
    admin_port: ['65535', 65_535],
    api_port: ['8402', 8402],
    console_url: ['https://console.example.com', 'https://console.example.com'],
    data_dir: ['/var/lib/latchkey', '/var/lib/latchkey'],
    database_url: ['sqlite:/tmp/x.db', 'sqlite:/tmp/x.db'],
    database_connections: ['3', 3],
    master_key: ['abc', 'abc'],
    master_key_file: ['/run/key', '/run/key'],
    trusted_proxies: ['10.0.0.0/8, 2001:db8::1', ['10.0.0.0/8', '2001:db8::1']],
    audit_sync: ['answer', 'answer'],
    log_level: ['silent', 'silent'],
    admin_socket: ['/run/admin.sock', '/run/admin.sock'],
    migrate: ['false', false],
    tls_cert: ['/etc/tls/chain.pem', '/etc/tls/chain.pem'],
    mtls_port: ['0', 0],
    mtls_url: ['https://mtls.example.com', 'https://mtls.example.com'],
    mtls_cert: ['/etc/tls/chain.pem', '/etc/tls/chain.pem'],
    mtls_key: ['/etc/tls/key.pem', '/etc/tls/key.pem'],
    tls_key: ['/etc/tls/key.pem', '/etc/tls/key.pem'],
    insecure_http: ['true', true],
    workers: ['auto', 'auto'],
    drain_delay: ['0', 0],
    signing_algorithm: ['PS256', 'PS256'],
    key_rotation_days: ['30', 30],
    access_requests: ['invitation', 'invitation'],
    request_approvals: ['2', 2],
    request_retention_days: ['0', 0],
    mail_from: ['access@example.com', 'access@example.com'],
    smtp_url: ['smtps://mail.example.com', 'smtps://mail.example.com'],
    team_mail: ['a@example.com, b@example.com', ['a@example.com', 'b@example.com']],
    webhook_url: ['https://hooks.example.com/x', 'https://hooks.example.com/x'],
    webhook_secret: [`whsec_${'c2Vj'.repeat(10)}`, `whsec_${'c2Vj'.repeat(10)}`],
  }

  const isInFileAlone = (key: SettingKey): key is 'proxies' => settings[key].fileOnly === true

  test.each(settingKeys.filter((key) => !isInFileAlone(key)))('%s can be given in every way there is', async (key) => {
    const [text, value] = given[key]
    expect(variableName(key)).toMatch(/^LATCHKEY_[A-Z_]+$/)
    expect(flagName(key)).toMatch(/^--[a-z-]+$/)
    const expected = { values: { [key]: value }, warnings: [] }
    expect(await load({ flags: { [key]: text } })).toEqual(expected)
    expect(await load({ environment: { [variableName(key)]: text } })).toEqual(expected)
    expect(await load({ yaml: `${key}: ${JSON.stringify(value)}` })).toEqual(expected)
  })
})

describe('proxies, in the file alone', () => {
  const entry = 'networks: [10.0.0.0/8], address_header: x-forwarded-for'

  test('each with its headers', async () => {
    const yaml = `
proxies:
  - networks: [10.0.0.7, "2001:db8::/64"]
    address_header: x-real-ip
    certificate_header: x-ssl-client-cert
  - networks: [10.0.1.0/24]
    address_header: forwarded
`
    const { values, warnings } = await load({ yaml })
    expect([values, warnings]).toEqual([
      {
        proxies: [
          {
            networks: ['10.0.0.7', '2001:db8::/64'],
            addressHeader: 'x-real-ip',
            certificateHeader: 'x-ssl-client-cert',
          },
          { networks: ['10.0.1.0/24'], addressHeader: 'forwarded' },
        ],
      },
      [],
    ])
  })

  test('a variable of that name is told to mean nothing', async () => {
    const { values, warnings } = await load({ environment: { LATCHKEY_PROXIES: '10.0.0.0/8' } })
    expect([values, warnings]).toEqual([{}, [expect.stringMatching(/LATCHKEY_PROXIES is not known/)]])
  })

  test.each<[yaml: string, problem: RegExp]>([
    ['proxies: 10.0.0.0/8', /begins with "- networks/],
    [`proxies: {${entry}}`, /begins with "- networks/],
    ['proxies: [10.0.0.0/8]', /entry 1 is not made of networks/],
    [`proxies: [{${entry}}, null]`, /entry 2 is not made of networks/],
    ['proxies: [{address_header: x-forwarded-for}]', /networks of entry 1/],
    ['proxies: [{networks: 10.0.0.0/8, address_header: x-forwarded-for}]', /networks of entry 1/],
    ['proxies: [{networks: [10], address_header: x-forwarded-for}]', /networks of entry 1/],
    ['proxies: [{networks: [], address_header: x-forwarded-for}]', /no network/],
    ['proxies: [{networks: [10.0.0.0/33], address_header: x-forwarded-for}]', /"10\.0\.0\.0\/33" is no network/],
    ['proxies: [{networks: [proxy.internal], address_header: x-forwarded-for}]', /"proxy\.internal" is no network/],
    ['proxies: [{networks: [10.0.0.0/8]}]', /no address header: x-forwarded-for, forwarded, x-real-ip/],
    ['proxies: [{networks: [10.0.0.0/8], address_header: X-Forwarded-For}]', /"X-Forwarded-For" is no address header/],
    ['proxies: [{networks: [10.0.0.0/8], address_header: [forwarded, x-real-ip]}]', /is no address header/],
    [
      'proxies: [{networks: [10.0.0.0/8], address_headers: [forwarded]}]',
      /entry 1 has the unknown key "address_headers"/,
    ],
    [`proxies: [{${entry}, certificate_header: x-client-cert}]`, /no certificate header: client-cert/],
    [`proxies: [{${entry}, certificate_header: }]`, /null is no certificate header/],
    [`proxies: [{${entry}, certificate_header: [client-cert, x-ssl-client-cert]}]`, /is no certificate header/],
    [`proxies: [{${entry}, certificate_chain_header: client-cert-chain}]`, /unknown key "certificate_chain_header"/],
    [`proxies: [{${entry}}, {networks: [10.1.0.0/16], address_header: forwarded}]`, /10\.1\.0\.0\/16 overlaps with 10/],
    [`proxies: [{${entry}}, {networks: ["::ffff:10.1.2.3"], address_header: forwarded}]`, /overlaps/],
    [
      `proxies: [{networks: ["::/0"], address_header: forwarded}, {networks: ["::1"], address_header: x-real-ip}]`,
      /overlaps/,
    ],
  ])('%s is refused in one line', async (yaml, problem) => {
    const fault = await refusal(load({ yaml }))
    expect(fault.message).toMatch(problem)
    expect(fault.message).toMatch(/^proxies in \S+ is not a list of proxies: /)
    expect(fault.message).not.toContain('\n')
  })
})

describe('values that are refused', () => {
  test.each<[key: SettingKey, ...values: string[]]>([
    ['port', '', 'x', '-1', '65536', '8400.5', '0x10', '8e3', ' 80', '١'],
    [
      'issuer',
      '',
      'auth.example.com',
      'ftp://a.example',
      'https://a.example/',
      'https://a.example?x=1',
      'https://a.example#x',
      'HTTPS://a.example',
      'https://A.example',
      'https://a.example:443',
      'https://a.example/a/../b',
    ],
    ['environment', '', 'Prod', 'a_b', 'a'.repeat(17)],
    [
      'trusted_proxies',
      '',
      ',',
      '10.0.0.0/33',
      '10.0.0.0/-1',
      '10.0.0.0/',
      'example.com',
      '10.0.0.0/8,',
      '2001:db8::/129',
      '10.0.0/8',
      '10.0.0.0/8/8',
    ],
    ['audit_sync', '', 'never', 'ANSWER'],
    ['workers', '', '0', '257', '1.5', 'all', '-1'],
    ['drain_delay', '', '-1', '301', '1.5', 'long'],
    ['insecure_http', '', 'yes', '1', 'TRUE'],
    ['migrate', '', 'no', '0'],
    ['tls_cert', ''],
    ['tls_key', ''],
    ['log_level', '', 'loud'],
    ['console_url', '', '/console'],
    ['host', ''],
    ['data_dir', ''],
  ])('%s', async (key, ...values) => {
    for (const value of values) {
      const fault = await refusal(load({ flags: { [key]: value } }))
      expect(fault.message).toMatch(new RegExp(`^${flagName(key)} ".*" is not `, 's'))
      expect(fault.message).not.toMatch(/Invalid|expected|undefined/)
      if (value === '') continue
      expect((await refusal(load({ environment: { [variableName(key)]: value } }))).message).toContain(
        variableName(key),
      )
    }
  })

  test.each([
    'port:',
    'port: true',
    'port: []',
    'port: 1.5',
    'port: -1',
    'host: 5',
    'issuer:',
    'trusted_proxies: 10',
    'trusted_proxies: [10]',
    'log_level: {a: b}',
  ])('in the file: %s', async (yaml) => {
    const fault = await refusal(load({ yaml }))
    expect(fault.message).toContain(`${yaml.split(':')[0]} in ${file}`)
    expect(fault.message).not.toMatch(/Invalid|expected|undefined/)
  })

  test.each(['tcp://10.0.0.1:8400', 'udp://10.0.0.1:53'])(
    'what Kubernetes sets for a service is explained: %s',
    async (value) => {
      const fault = await refusal(load({ environment: { LATCHKEY_PORT: value } }))
      expect(fault.message).toContain('LATCHKEY_PORT')
      expect(fault.message).toContain('Kubernetes')
      expect(fault.remedy).toContain('enableServiceLinks: false')
    },
  )
})

describe('the file', () => {
  test('an unknown key is refused, and the known ones are named', async () => {
    for (const key of ['prot', 'Port', 'LATCHKEY_PORT', 'admin-port', '__proto__', 'constructor', '1']) {
      const fault = await refusal(load({ yaml: `port: 1\n${key}: {}\n` }))
      expect(fault.message).toContain(`unknown key ${JSON.stringify(key)}`)
      expect(fault.remedy).toContain('admin_port')
    }
  })

  test.each([
    '[1]',
    '- a',
    'just text',
    '5',
    'port: 1\nport: 2',
    'port: [',
    '"',
    'port: 1\n---\nport: 2',
    'port: *none',
    '\tport: 1',
  ])('that is no list of settings: %j', async (yaml) => {
    expect((await refusal(load({ yaml }))).message).toContain(file)
  })

  test('that cannot be read', () => {
    for (const place of [path.join(directory, 'missing.yaml'), directory]) {
      expect(() => loadSettings({ flags: {}, environment: {}, file: place })).toThrow(Fault)
      expect(() => loadSettings({ flags: {}, environment: {}, file: place })).toThrow(place)
    }
  })
})

describe('variables', () => {
  test('an unknown one of ours is a warning, by name alone; those of other programs are nobody’s business', async () => {
    const environment = {
      LATCHKEY_ISUER: 'hunter2',
      LATCHKEY_PORT_8400_TCP: 'tcp://10.0.0.1:8400',
      latchkey_port: '1',
      PATH: '/bin',
    }
    const { warnings, values } = await load({ environment })
    expect(values).toEqual({})
    expect(warnings).toHaveLength(2)
    expect(warnings[0]).toContain('LATCHKEY_ISUER')
    expect(warnings.join()).not.toContain('hunter2')
  })

  test('those of the client SDK are known', async () => {
    const environment = {
      LATCHKEY_CLIENT_ID: 'a',
      LATCHKEY_CLIENT_SECRET: 'b',
      LATCHKEY_CLIENT_SECRET_FILE: 'c',
      LATCHKEY_SCOPE: 'd',
    }
    expect((await load({ environment })).warnings).toEqual([])
  })
})

describe('secrets', () => {
  const secret = 'SEKRET-value-of-the-master-key'

  test('a secret has no flag', () => {
    expect(settingKeys.filter((key) => settings[key].noFlag)).toEqual(['master_key', 'smtp_url', 'webhook_secret'])
  })

  test.each([
    `master_key: [${secret}]`,
    `master_key: {a: ${secret}}`,
    `master_key: *${secret}`,
    `master_key: "${secret}`,
    `master_key: @${secret}`,
    `master_key: [${secret}`,
    `master_key: tcp://${secret}`,
    `master_key: a\nmaster_key: ${secret}`,
    `master_key: |\n  ${secret}\nport: [`,
    `- ${secret}`,
    secret,
    `issuer: https://user:${secret}@auth.example.com`,
    `console_url: //user:${secret}@auth.example.com`,
    `console_url: tcp://user:${secret}/x@auth.example.com`,
  ])('no message shows one: %s', async (yaml) => {
    const fault = await refusal(load({ yaml }))
    expect(`${fault.message} ${fault.remedy} ${fault.stack} ${String(fault.cause)}`).not.toContain('SEKRET')
  })

  test('nor when it comes from the environment', async () => {
    const environment = { LATCHKEY_MASTER_KEY: `tcp://${secret}` }
    const fault = await refusal(load({ environment }))
    expect(fault.message).toContain('LATCHKEY_MASTER_KEY')
    expect(`${fault.message} ${fault.remedy} ${fault.stack}`).not.toContain('SEKRET')
  })
})

describe('the configuration of dev', () => {
  const cwd = process.cwd()

  test('needs nothing', () => {
    expect(developmentConfig({})).toEqual({
      mode: 'dev',
      issuer: undefined,
      environment: 'dev',
      host: '127.0.0.1',
      port: 8400,
      adminHost: '127.0.0.1',
      adminPort: 8401,
      apiPort: 8402,
      consoleUrl: undefined,
      dataDirectory: path.join(cwd, '.latchkey'),
      database: { kind: 'sqlite', path: path.join(cwd, '.latchkey', 'latchkey.db') },
      migrates: true,
      masterKey: undefined,
      tls: undefined,
      adminTls: undefined,
      mtls: { url: undefined, listener: { port: 8443, files: undefined } },
      proxies: [],
      workers: 1,
      drainDelayMs: 0,
      signingAlgorithm: 'ES256',
      keyRotationDays: 90,
      auditSync: 'interval',
      logLevel: 'warn',
      adminSocket: undefined,
      accessRequests: { mode: 'open', approvals: 1, retentionDays: 365 },
      notices: { smtp: undefined, from: 'latchkey@localhost', teamAddresses: [], webhook: undefined },
    })
  })

  test.each(['dev', 'serve'] as const)('every default of %s is a value that could have been given', (mode) => {
    const wrong = settingKeys.filter((key) => {
      const written = defaultText(key, mode)
      return written !== undefined && !settings[key].schema.safeParse(written).success
    })
    expect(wrong).toEqual([])
  })

  test.each<[values: SettingValues, expected: object]>([
    [
      { data_dir: 'a/../b' },
      { dataDirectory: path.join(cwd, 'b'), database: { kind: 'sqlite', path: path.join(cwd, 'b', 'latchkey.db') } },
    ],
    [{ database_url: 'sqlite:x.db' }, { database: { kind: 'sqlite', path: path.join(cwd, 'x.db') } }],
    [
      { database_url: 'sqlite:/x.db', data_dir: '/d' },
      { database: { kind: 'sqlite', path: '/x.db' }, dataDirectory: '/d' },
    ],
    [{ master_key: 'k' }, { masterKey: { kind: 'value', value: 'k' } }],
    [{ master_key_file: 'k' }, { masterKey: { kind: 'file', path: path.join(cwd, 'k') } }],
    [
      { host: 'localhost', admin_host: '::1' },
      { host: 'localhost', adminHost: '::1' },
    ],
    [{ host: '127.255.0.1' }, { host: '127.255.0.1' }],
  ])('%j', (values, expected) => {
    expect(developmentConfig(values)).toMatchObject(expected)
  })

  test.each<SettingValues>([
    { host: '0.0.0.0' },
    { host: '::' },
    { host: '10.0.0.1' },
    { host: '127.0.0.1.example.com' },
    { host: '127.1' },
    { host: '::ffff:127.0.0.1' },
    { admin_host: '0.0.0.0' },
    { admin_host: 'example.com' },
    { database_url: 'mysql://user:SEKRET@host/db' },
    { database_url: 'sqlite:' },
    { master_key: 'SEKRET', master_key_file: 'k' },
  ])('%j is refused', async (values) => {
    const fault = await refusal(Promise.resolve().then(() => developmentConfig(values)))
    expect(`${fault.message} ${fault.remedy} ${fault.stack}`).not.toContain('SEKRET')
  })
})

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {
  createLogger,
  developmentConfig,
  startServer,
  systemClock,
  systemRandom,
  type RunningServer,
} from '@latchkey/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, type CliResult } from '../../testing/run-cli.ts'

/* Exports of the shape that Auth0's Deploy CLI and the AWS command line write, read by the command as a process; what it prints is applied to a server. */

let home: string
let server: RunningServer

/** Stands where an export has a secret. Must appear nowhere. */
const placeholder = 'NOT-A-REAL-SECRET-only-a-placeholder'

const tenant = `tenant:
  friendly_name: Example
clients:
  - name: Nightly importer
    client_id: iGZ5UZ7cJ2Ov3nFakeFakeFakeFake01
    client_secret: ${placeholder}
    app_type: non_interactive
    grant_types: [client_credentials]
    token_endpoint_auth_method: client_secret_post
    jwt_configuration: { alg: RS256, lifetime_in_seconds: 36000 }
  - name: Warehouse
    client_id: 7pXFakeFakeFakeFakeFakeFakeFake02
    client_secret: ${placeholder}
    grant_types: [client_credentials, authorization_code]
    token_endpoint_auth_method: private_key_jwt
  - name: Old style
    client_id: has_underscore_in_it
    app_type: non_interactive
  - name: Shop front
    client_id: SpaFakeFakeFakeFakeFakeFakeFake03
    app_type: spa
    grant_types: [authorization_code, refresh_token]
  - name: Unidentified
    app_type: non_interactive
  - name: All Applications
    client_id: GlobalFakeFake
    global: true
resourceServers:
  - name: Auth0 Management API
    identifier: https://example.eu.auth0.com/api/v2/
    is_system: true
    scopes: [{ value: read:users, description: Read users }]
  - name: Orders API (EU)
    identifier: https://orders.example.com
    token_lifetime: 2592000
    signing_alg: RS256
    signing_secret: ${placeholder}
    scopes:
      - { value: read:orders, description: Read orders }
      - { value: write:orders, description: "Two\\nlines" }
      - { value: "orders/*", description: Everything }
clientGrants:
  - client_id: Nightly importer
    audience: https://orders.example.com
    scope: [read:orders, "orders/*"]
  - client_id: 7pXFakeFakeFakeFakeFakeFakeFake02
    audience: https://orders.example.com
    scope: []
    allow_all_scopes: true
  - client_id: Nightly importer
    audience: https://example.eu.auth0.com/api/v2/
    scope: [read:users]
  - client_id: Shop front
    audience: https://orders.example.com
    subject_type: user
    scope: [read:orders]
  - client_id: Nobody
    audience: https://orders.example.com
    scope: [read:orders]
`

const poolClient = {
  UserPoolClient: {
    UserPoolId: 'eu-central-1_Example',
    ClientName: 'nightly',
    ClientId: '1example23456789fakefakefa',
    ClientSecret: placeholder,
    LastModifiedDate: '2026-01-01T00:00:00+00:00',
    AccessTokenValidity: 30,
    TokenValidityUnits: { AccessToken: 'seconds', IdToken: 'minutes' },
    AllowedOAuthFlows: ['client_credentials'],
    AllowedOAuthScopes: ['orders/read', 'https://api.example.com/stock/write', 'none/read', 'openid'],
    AllowedOAuthFlowsUserPoolClient: true,
  },
}
const webClient = {
  UserPoolClient: {
    ClientName: 'web',
    ClientId: '2example',
    AllowedOAuthFlows: ['code'],
    AllowedOAuthFlowsUserPoolClient: true,
  },
}
const resourceServers = {
  ResourceServers: [
    {
      UserPoolId: 'p',
      Identifier: 'orders',
      Name: 'Orders',
      Scopes: [{ ScopeName: 'read', ScopeDescription: 'Read orders' }],
    },
    {
      UserPoolId: 'p',
      Identifier: 'https://api.example.com/stock',
      Name: 'Stock',
      Scopes: [{ ScopeName: 'write', ScopeDescription: '' }],
    },
    { UserPoolId: 'p', Identifier: 'empty', Name: 'Empty', Scopes: [] },
  ],
}

beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'lk-import-'))
  const config = developmentConfig({ data_dir: path.join(home, '.latchkey'), environment: 'test' })
  server = await startServer(
    { ...config, port: 0, adminPort: 0, apiPort: 0, mtls: undefined },
    { clock: systemClock, random: systemRandom(), logger: createLogger('silent'), version: '0.0.0-test' },
  )
  await save('tenant.yaml', tenant)
  await save('clients.json', JSON.stringify([poolClient, webClient]))
  await save('apis.json', JSON.stringify(resourceServers))
})

afterAll(async () => {
  await server.stop()
  await rm(home, { recursive: true })
})

describe('import auth0', () => {
  it('keeps ids, scopes and grants of machines, and prints what apply takes', async () => {
    const { code, stdout, stderr } = await cli('import', 'auth0', 'tenant.yaml')
    expect(code).toBe(0)
    expect(withoutComments(stdout)).toBe(`latchkey: 1
resource_servers:
  - name: orders-api-eu
    audience: https://orders.example.com
    token_ttl_seconds: 86400
    scopes:
      - name: read:orders
        description: Read orders
      - name: write:orders
        description: Two lines
clients:
  - client_id: 7pXFakeFakeFakeFakeFakeFakeFake02
    name: Warehouse
    scopes:
      - orders-api-eu/read:orders
      - orders-api-eu/write:orders
  - client_id: iGZ5UZ7cJ2Ov3nFakeFakeFakeFake01
    name: Nightly importer
    scopes:
      - orders-api-eu/read:orders
`)
    for (const note of [
      /Auth0 Management API: skipped: .*Auth0's own API/,
      /Orders API \(EU\): https:\/\/orders\.example\.com is now orders-api-eu/,
      /Orders API \(EU\): its tokens lived 2592000 s; here 86400 s/,
      /Orders API \(EU\): the scope orders\/\* does not move/,
      /Orders API \(EU\): the description of write:orders was shortened/,
      /Nightly importer: the scope orders\/\* of .* is not granted/,
      /Nightly importer: its secret cannot move: .*latchkey secret add iGZ5/,
      /Warehouse: it authenticates by private_key_jwt, which does not move/,
      /Warehouse: only client_credentials moves, not authorization_code/,
      /Old style: skipped: its client_id has_underscore_in_it is not/,
      /Shop front: skipped: it is no machine-to-machine client \(spa\)/,
      /Unidentified: skipped: .*AUTH0_EXPORT_IDENTIFIERS=true/,
      /All Applications: skipped/,
      /grant of Nightly importer: skipped: no API .*api\/v2/,
      /grant of Shop front: skipped: it is for users/,
      /grant of Nobody: skipped: the export has no such client/,
    ]) {
      expect(stderr).toMatch(note)
    }
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .every((line) => line.startsWith('note: ')),
    ).toBe(true)
    const applied = await pipe(stdout, 'apply', '-f', '-', '--json')
    expect(JSON.parse(applied.stdout)).toMatchObject({ applied: true })
    expect((await pipe(stdout, 'apply', '-f', '-', '--plan', '--fail-on-drift')).code).toBe(0)
  })

  it('reads the folder of the directory format, and names as they are mapped', async () => {
    await save(
      'auth0/clients/a.json',
      JSON.stringify({ name: 'A', client_id: 'idA', client_secret: placeholder, app_type: 'non_interactive' }),
    )
    await save(
      'auth0/resource-servers/o.json',
      JSON.stringify({ name: 'O', identifier: 'orders', scopes: [{ value: 'read' }] }),
    )
    await save('auth0/grants/g.json', JSON.stringify({ client_id: 'A', audience: 'orders', scope: ['read'] }))
    const refused = await cli('import', 'auth0', 'auth0')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain("orders is no absolute URI: --audience 'orders=URI'")
    const { code, stdout } = await cli(
      'import',
      'auth0',
      'auth0',
      '--json',
      '--map',
      'orders=bestellungen',
      '--audience',
      'orders=urn:orders',
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      document: {
        resource_servers: [{ name: 'bestellungen', audience: 'urn:orders' }],
        clients: [{ client_id: 'idA', scopes: ['bestellungen/read'] }],
      },
      notes: expect.arrayContaining([
        { about: 'A', message: expect.stringMatching(/secret cannot move/) as string },
      ]) as unknown,
    })
  })

  it('names two APIs of one name rather than changing either', async () => {
    const api = (identifier: string) => ({ name: 'Orders!', identifier, scopes: [{ value: 'read' }] })
    await save('twins.json', JSON.stringify({ clients: [], resourceServers: [api('urn:a'), api('urn:b')] }))
    const refused = await cli('import', 'auth0', 'twins.json')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain("urn:b and urn:a would both be orders: --map 'urn:b=NAME'")
    const mapped = await cli('import', 'auth0', 'twins.json', '--map', 'urn:b=orders-b')
    expect(mapped.code).toBe(0)
    expect(mapped.stdout).toMatch(/name: orders\n[\s\S]*name: orders-b\n/)
  })
})

describe('import cognito', () => {
  it('keeps ids and scopes by identifier, from any number of files', async () => {
    const refused = await cli('import', 'cognito', 'clients.json', 'apis.json')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain("--audience 'orders=URI'")
    const audience = ['--audience', 'orders=https://orders.example.com/v2']
    const { code, stdout, stderr } = await cli('import', 'cognito', 'clients.json', 'apis.json', ...audience)
    expect(code).toBe(0)
    expect(withoutComments(stdout)).toBe(`latchkey: 1
resource_servers:
  - name: orders
    audience: https://orders.example.com/v2
    scopes:
      - name: read
        description: Read orders
  - name: stock
    audience: https://api.example.com/stock
    scopes:
      - name: write
clients:
  - client_id: 1example23456789fakefakefa
    name: nightly
    token_ttl_seconds: 60
    scopes:
      - orders/read
      - stock/write
`)
    for (const note of [
      /web: skipped: it is no machine-to-machine client \(code\)/,
      /nightly: the scope openid does not move/,
      /nightly: the scope read of none is not granted/,
      /nightly: its tokens lived 30 s; here 60 s/,
      /nightly: its secret cannot move/,
      /Empty: skipped: it has no scope/,
      /Stock: https:\/\/api\.example\.com\/stock is now stock/,
    ]) {
      expect(stderr).toMatch(note)
    }
    const planned = await pipe(stdout, 'apply', '-f', '-', '--plan', '--json')
    expect(JSON.parse(planned.stdout)).toMatchObject({ problems: [], applied: false })
  })
})

describe('secrets in an export', () => {
  const places = [
    ['auth0', 'tenant.yaml'],
    ['cognito', 'clients.json'],
  ] as const
  it.each(places)('%s: are neither printed nor kept', async (from, file) => {
    for (const more of [[], ['--json']]) {
      const { stdout, stderr } = await cli('import', from, file, ...more)
      expect(stdout + stderr).toContain('secret cannot move')
      expect(stdout + stderr).not.toContain(placeholder)
    }
  })

  it('are not quoted by what is no export', async () => {
    await save('broken.yaml', `clients: [ { client_secret: ${placeholder}`)
    await save('other.json', JSON.stringify({ client_secret: placeholder }))
    for (const [from, file] of [
      ['auth0', 'broken.yaml'],
      ['auth0', 'other.json'],
      ['cognito', 'broken.yaml'],
      ['cognito', 'other.json'],
    ]) {
      const result = await cli('import', from ?? '', file ?? '')
      expect(result).toMatchObject({ code: 2, stdout: '' })
      expect(result.stderr).not.toContain(placeholder)
    }
  })
})

describe('misuse', () => {
  const cases: [commandLine: string, code: number, message: RegExp][] = [
    ['import', 2, /what shall latchkey import do/],
    ['import okta x', 2, /unknown command/],
    ['import auth0', 2, /missing required argument/],
    ['import auth0 nowhere.yaml', 2, /cannot read nowhere\.yaml \(ENOENT\)/],
    ['import auth0 tenant.yaml --map https://orders.example.com', 2, /no IDENTIFIER=VALUE/],
    ['import auth0 tenant.yaml --map urn:unknown=x', 2, /urn:unknown, which is no API of the export/],
    ['import auth0 tenant.yaml --map https://orders.example.com=Orders!', 1, /no name that fits/],
    ['import auth0 tenant.yaml --map https://orders.example.com=latchkey', 1, /no name that fits/],
    ['import cognito', 2, /missing required argument/],
    ['import auth0 tenant.yaml --data-dir x', 2, /unknown option '--data-dir'/],
  ]
  it.concurrent.each(cases)('latchkey %s', async (commandLine, code, message) => {
    const result = await cli(...commandLine.split(' '))
    expect(result).toMatchObject({ code, stdout: '' })
    expect(result.stderr).toMatch(message)
  })

  it('nothing that moves → 1', async () => {
    await save('web.json', JSON.stringify(webClient))
    const result = await cli('import', 'cognito', 'web.json')
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toMatch(/nothing of the export moves: web: skipped/)
  })
})

async function save(name: string, content: string): Promise<void> {
  const file = path.join(home, name)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, content)
}

function withoutComments(text: string): string {
  return text.replaceAll(/^#.*\n/gm, '')
}

function cli(...args: string[]): Promise<CliResult> {
  return runCli(args, { cwd: home })
}

function pipe(input: string, ...args: string[]): Promise<CliResult> {
  return runCli(args, { cwd: home, input })
}

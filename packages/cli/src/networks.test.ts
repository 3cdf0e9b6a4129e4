import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
import { runCli, runCliJson, type CliResult } from './testing/run-cli.ts'

/* Where clients may call from and what calls need, as the platform team says it. */

let home: string
let server: RunningServer

beforeAll(async () => {
  home = mkdtempSync(path.join(os.tmpdir(), 'lk-net-'))
  const config = developmentConfig({ data_dir: path.join(home, '.latchkey'), environment: 'test' })
  server = await startServer(
    { ...config, port: 0, adminPort: 0, apiPort: 0, mtls: undefined },
    { clock: systemClock, random: systemRandom(), logger: createLogger('silent'), version: '0.0.0-test' },
  )
  const scopes = ['--scope', 'read=Look', '--scope', 'write']
  await runCliJson(['api', 'create', 'shop', '--audience', 'urn:shop', ...scopes], { cwd: home })
})

afterAll(async () => {
  await server.stop()
  rmSync(home, { recursive: true })
})

const cli = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: home })
const json = (...args: string[]) => runCliJson(args, { cwd: home })

/** Lines of a record, without how far its columns are apart. */
const lines = ({ stdout }: CliResult) => stdout.split('\n').map((line) => line.trim().replaceAll(/ {2,}/g, ' | '))

async function newClient(...options: string[]): Promise<string> {
  return String(
    (await json('client', 'create', 'acme', '--scope', 'shop/read', '--show-secret', ...options))['client_id'],
  )
}

describe('--allow-ip', () => {
  it('with notes, ends and coverage is shown as it was read', async () => {
    const clientId = await newClient(
      '--allow-ip',
      '198.51.100.0/24,note=Office, first floor,until=2097-01-31',
      '--allow-ip',
      '2001:DB8::/32',
      '--allow-ip-for',
      'token',
      '--allow-ip-for',
      'shop POST /orders/**',
      '--allow-ip-for',
      'shop GET /orders/{id}',
    )
    const shown = await cli('client', 'show', clientId)
    expect(lines(shown)).toEqual(
      expect.arrayContaining([
        'calls from | 198.51.100.0/24 (Office, first floor, until 2097-01-31T00:00:00Z)',
        '2001:db8::/32',
        'that is for | the token endpoint',
        'shop GET /orders/*',
        'shop POST /orders/**',
        'network mode | enforced',
      ]),
    )
    const listed = await cli('client', 'list')
    expect(listed.stdout).toMatch(new RegExp(`${clientId}.*2 ranges`))
  })

  it('replaces the list, keeps what is not named, and none lifts it', async () => {
    const clientId = await newClient('--allow-ip', '198.51.100.7', '--network-mode', 'report')
    const replaced = await json(
      'client',
      'update',
      clientId,
      '--allow-ip',
      '203.0.113.0/24',
      '--allow-ip',
      '10.0.0.0/8',
    )
    expect(replaced['network']).toMatchObject({
      mode: 'report',
      allow: [{ cidr: '10.0.0.0/8' }, { cidr: '203.0.113.0/24' }],
    })
    const narrowed = await json('client', 'update', clientId, '--allow-ip-for', 'shop', '--network-mode', 'enforce')
    expect(narrowed['network']).toMatchObject({
      mode: 'enforce',
      allow: [{ cidr: '10.0.0.0/8' }, { cidr: '203.0.113.0/24' }],
      covers: { token_endpoint: false, apis: [{ name: 'shop' }] },
    })
    expect((await json('client', 'update', clientId, '--allow-ip-for', 'all'))['network']).not.toHaveProperty('covers')
    expect(await json('client', 'update', clientId, '--allow-ip', 'none')).not.toHaveProperty('network')
    expect(lines(await cli('client', 'show', clientId))).toContain('calls from | anywhere')
  })

  it.each<[args: string[], says: RegExp]>([
    [
      ['--allow-ip', '198.51.100.0/24', '--allow-ip', '10.1.2.3/8'],
      /"10\.1\.2\.3\/8": bits are set behind the prefix: the range is 10\.0\.0\.0\/8/,
    ],
    [['--allow-ip', '10.1'], /"10\.1": not an address or CIDR/],
    [['--allow-ip', 'office'], /network\.allow\.0\.cidr: expected an address or CIDR/],
    [['--allow-ip', '0.0.0.0/0'], /everybody is no range/],
    [['--allow-ip', '10.0.0.0/8', '--allow-ip-for', 'shop GET x'], /"GET x": the path begins with \//],
    [['--allow-ip', '10.0.0.0/8', '--allow-ip-for', 'nobody'], /there is no resource server nobody/],
    [['--network-mode', 'report'], /there is no network policy yet/],
  ])('%j is refused with the entry', async (args, says) => {
    const clientId = await newClient()
    const refused = await cli('client', 'update', clientId, ...args)
    expect(refused).toMatchObject({ stdout: '', stderr: expect.stringMatching(says) })
    expect(refused.code).toBe(args.includes('office') ? 2 : 1)
  })
})

describe('client test', () => {
  it('answers for an address, at the token endpoint and at an API, and why', async () => {
    const clientId = await newClient(
      '--allow-ip',
      '198.51.100.0/24',
      '--allow-ip-for',
      'token',
      '--allow-ip-for',
      'shop POST /orders/**',
    )
    const right = await cli('client', 'test', clientId, '--address', '198.51.100.7')
    expect(right).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/from +198\.51\.100\.7: the address is among those/),
    })
    const wrong = await cli('client', 'test', clientId, '--address', '203.0.113.9')
    expect(wrong.code).toBe(1)
    expect(lines(wrong)).toEqual(
      expect.arrayContaining(['granted | no', 'reason | network.address_not_allowed', 'answer | unauthorized_client']),
    )
    await json('client', 'update', clientId, '--allow-ip-for', 'shop POST /orders/**')
    const call = (address: string, endpoint: string) =>
      cli('client', 'test', clientId, '--address', address, '--api', 'shop', '--endpoint', endpoint)
    expect(await call('203.0.113.9', 'GET /orders/7')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('may come from anywhere'),
    })
    expect(await call('203.0.113.9', 'POST /orders/7')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('not among those'),
    })
    expect((await call('198.51.100.7', 'POST /orders/7')).code).toBe(0)
    // Servers differ about it: whatever the policy is about, this may be.
    expect((await call('203.0.113.9', 'GET /x/%2e%2e/orders')).code).toBe(1)
    expect((await cli('client', 'test', clientId, '--address', 'here')).code).toBe(2)
    expect((await cli('client', 'test', clientId, '--address', '10.1')).code).toBe(1)
  })
})

describe('endpoint rules', () => {
  it('by hand: in their order, all of them each time', async () => {
    const set = await cli(
      'api',
      'update',
      'shop',
      '--endpoint',
      'POST /orders/**=shop/write,read,allowed-ip,certificate',
      '--endpoint',
      'GET /a=b=read',
      '--endpoint',
      'GET /status=',
    )
    expect(set.code).toBe(0)
    expect(lines(await cli('api', 'show', 'shop'))).toEqual(
      expect.arrayContaining([
        'endpoint rules | POST /orders/** = read, write, allowed-ip, certificate',
        'GET /a=b = read',
        'GET /status = (any token of this API)',
      ]),
    )
    expect(await cli('api', 'update', 'shop', '--endpoint', 'GET /x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('does not say what the call needs'),
    })
    expect(await cli('api', 'update', 'shop', '--endpoint', 'GET /x=no,nor')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('shop has no scope no, nor'),
    })
    expect(await json('api', 'update', 'shop', '--endpoint', 'none')).not.toHaveProperty('endpoint_rules')
  })

  const openapi = `
openapi: 3.1.0
info: { title: Shop, version: '1' }
servers: [{ url: 'https://api.example.com/v1/' }]
security: [{ oauth: [read] }]
components:
  securitySchemes:
    oauth: { type: oauth2, flows: { clientCredentials: { tokenUrl: 'https://a.example/t', scopes: { read: '', write: '' } } } }
    tls: { type: mutualTLS }
    key: { type: apiKey, in: header, name: X-Key }
paths:
  /orders/{id}:
    get: {}
    put: { security: [{ oauth: [read, write], tls: [] }] }
  /orders/search: { get: {} }
  /files/{name}.pdf: { get: {} }
  /public: { get: { security: [] } }
  /either: { get: { security: [{ oauth: [] }, { key: [] }] } }
  /keyed: { get: { security: [{ key: [] }] } }
`

  it('from an OpenAPI document: what is precise first, and what no rule can say is said', async () => {
    writeFileSync(path.join(home, 'openapi.yaml'), openapi)
    const answer = await json('api', 'update', 'shop', '--openapi', 'openapi.yaml')
    expect(answer['endpoint_rules']).toEqual([
      { endpoint: 'GET /v1/orders/search', scopes: ['read'] },
      { endpoint: 'GET /v1/orders/*', scopes: ['read'] },
      { endpoint: 'PUT /v1/orders/*', scopes: ['read', 'write'], certificate: true },
    ])
    expect(answer['skipped']).toEqual([
      expect.stringMatching(/^GET \/v1\/files\/\{name\}\.pdf: .*no segment/),
      expect.stringMatching(/^GET \/v1\/public: it needs no token/),
      expect.stringMatching(/^GET \/v1\/either: one of several ways/),
      expect.stringMatching(/^GET \/v1\/keyed: the security scheme key/),
    ])
    const said = await cli('api', 'update', 'shop', '--openapi', 'openapi.yaml')
    expect(said.stdout).toMatch(
      /Not taken over, so that these calls are refused where the rules are used:\n {2}GET \/v1\/files/,
    )
    const asJson = JSON.stringify({
      openapi: '3.0.3',
      security: [{ b: ['shop/read'] }],
      components: { securitySchemes: { b: { type: 'http', scheme: 'bearer' } } },
      paths: { '/x': { post: {} } },
    })
    const piped = await runCli(['api', 'update', 'shop', '--openapi', '-', '--json'], { cwd: home, input: asJson })
    expect(JSON.parse(piped.stdout)).toMatchObject({
      endpoint_rules: [{ endpoint: 'POST /x', scopes: ['read'] }],
      skipped: [],
    })
  })

  it.each<[what: string, text: string, code: number, says: RegExp]>([
    [
      'scopes that there are not',
      openapi.replace('oauth: [read] }]', 'oauth: [reed, rite] }]'),
      1,
      /shop has no scope reed, rite/,
    ],
    ['Swagger', 'swagger: "2.0"\n', 2, /no OpenAPI document of version 3\.0 or 3\.1/],
    ['no YAML', 'a: [', 2, /cannot be read/],
    ['a list', '[]', 2, /is no OpenAPI document/],
    ['servers that differ', openapi.replace('[{ url:', '[{ url: /v2 }, { url:'), 2, /several paths/],
    [
      'nothing that a rule can say',
      'openapi: 3.1.0\npaths: { /x: { get: { security: [] } } }\n',
      2,
      /says nothing that a rule can say/,
    ],
    [
      'a reference elsewhere',
      'openapi: 3.1.0\npaths: { /x: { $ref: other.yaml } }\n',
      2,
      /in another file: other\.yaml/,
    ],
  ])('%s: refused, and nothing changes', async (_what, text, code, says) => {
    const before = await json('api', 'show', 'shop')
    const refused = await runCli(['api', 'update', 'shop', '--openapi', '-'], { cwd: home, input: text })
    expect(refused).toMatchObject({ code, stderr: expect.stringMatching(says) })
    expect(await json('api', 'show', 'shop')).toEqual(before)
  })
})

describe('files', () => {
  it('export what apply takes, with the line of what is wrong', async () => {
    const exported = await cli('export')
    writeFileSync(path.join(home, 'all.yaml'), exported.stdout)
    expect(await cli('apply', '-f', 'all.yaml', '--plan')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing to do'),
    })
    const wrong = `latchkey: 1
clients:
  - client_id: partner-1
    name: Partner
    scopes: [shop/read]
    network:
      allow:
        - cidr: 198.51.100.0/24
        - cidr: 10.1.2.3/8
`
    writeFileSync(path.join(home, 'wrong.yaml'), wrong)
    const refused = await cli('apply', '-f', 'wrong.yaml', '--plan')
    expect(refused.code).not.toBe(0)
    expect(refused.stdout + refused.stderr).toMatch(/line 9: .*bits are set behind the prefix/)
    writeFileSync(path.join(home, 'right.yaml'), wrong.replace('10.1.2.3/8', '10.0.0.0/8'))
    const planned = await cli('apply', '-f', 'right.yaml', '--plan')
    expect(planned.stdout).toContain('+ network.allow: 10.0.0.0/8')
  })
})

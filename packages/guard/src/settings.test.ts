import { describe, expect, test } from 'vitest'
import { GuardConfigurationError } from './configuration-error.ts'
import { createGuard } from './guard.ts'
import type { GuardOptions } from './options.ts'

const good: GuardOptions = {
  issuer: 'https://login.example.com',
  audience: 'https://api.example.com',
  resourceServer: 'configurations',
}

describe('options', () => {
  test.each([
    {},
    { issuer: 'https://login.example.com/tenant' },
    { issuer: 'http://127.0.0.1:8400' },
    { issuer: 'http://127.9.9.9' },
    { issuer: 'http://localhost:8400' },
    { issuer: 'http://[::1]:8400' },
    { audience: 'urn:example:api' },
    { algorithms: ['RS256', 'ES256'] },
    { clockToleranceSeconds: 0 },
    { clockToleranceSeconds: 300 },
    { jwksUri: 'https://keys.example.com/jwks' },
    { jwksUri: undefined },
    { revocationsUri: 'https://login.example.com/oauth2/revocations' },
    { algorithms: ['ML-DSA-65'] },
    { keys: {} },
    { revocations: {} },
    { revocations: { maxStalenessSeconds: 10 } },
    { revocations: { maxStalenessSeconds: 86_400 } },
    { savedState: { read: async () => ({ outcome: 'none' }), write: async () => {} } },
    { savedState: undefined },
    { proxies: [] },
    { proxies: [{ networks: ['10.0.0.0/8', '2001:db8::7'], addressHeader: 'forwarded' }] },
    {
      proxies: [
        { networks: ['10.0.0.1'], addressHeader: 'x-real-ip', certificateHeader: 'x-ssl-client-cert' },
        { networks: ['10.0.0.2'], addressHeader: 'x-forwarded-for', certificateHeader: undefined },
      ],
    },
  ])('%j is taken', (more) => {
    expect(() => createGuard({ ...good, ...more } as GuardOptions)).not.toThrow()
  })

  test.each([
    ['issuer', undefined],
    ['issuer', ''],
    ['issuer', 'login.example.com'],
    ['issuer', 'http://login.example.com'],
    ['issuer', 'http://127.0.0.1.example.com'],
    ['issuer', 'http://localhost.example.com'],
    ['issuer', 'http://10.0.0.1:8400'],
    ['issuer', 'http://[::2]'],
    ['issuer', 'ftp://localhost'],
    ['issuer', 'https://login.example.com?a=b'],
    ['issuer', 'https://login.example.com?'],
    ['issuer', 'https://login.example.com#a'],
    ['issuer', 'https://user:password@login.example.com'],
    ['audience', undefined],
    ['audience', ''],
    ['audience', 'configurations'],
    ['audience', 'https://api.example.com#a'],
    ['audience', ['https://api.example.com']],
    ['resourceServer', undefined],
    ['resourceServer', ''],
    ['resourceServer', 'Configurations'],
    ['resourceServer', 'configurations/'],
    ['algorithms', []],
    ['algorithms', ['none']],
    ['algorithms', ['ES256', 'none']],
    ['algorithms', ['HS256']],
    ['algorithms', ['ES256', 'HS512']],
    ['algorithms', ['es256']],
    ['algorithms', 'ES256'],
    ['algorithms', null],
    ['clockToleranceSeconds', -1],
    ['clockToleranceSeconds', 301],
    ['clockToleranceSeconds', Number.NaN],
    ['clockToleranceSeconds', '60'],
    ['jwksUri', 'http://keys.example.com'],
    ['jwksUri', '/jwks'],
    ['jwksUri', ''],
    ['revocationsUri', 'http://login.example.com/oauth2/revocations'],
    ['revocationsUri', ''],
    ['algorithms', ['ML-DSA-44']],
    ['savedState', '/var/lib/api/guard.json'],
    ['savedState', null],
    ['savedState', {}],
    ['savedState', { read: async () => ({ outcome: 'none' }) }],
    ['resourceMetadataUrl', '/metadata'],
    ['maxTokenBytes', Number.POSITIVE_INFINITY],
    ['maxTokenBytes', 0],
    ['now', 1],
    ['fetch', {}],
    ['onEvent', 'log'],
    ['audiences', ['https://api.example.com']],
    ['clockTolerance', 60],
    ['proxies', null],
    ['proxies', '10.0.0.0/8'],
    ['proxies', ['10.0.0.0/8']],
    ['proxies', [null]],
    ['proxies', [{ networks: [], addressHeader: 'x-forwarded-for' }]],
    ['proxies', [{ networks: '10.0.0.0/8', addressHeader: 'x-forwarded-for' }]],
    ['proxies', [{ networks: [10], addressHeader: 'x-forwarded-for' }]],
    ['proxies', [{ networks: ['10.0.0.0/33'], addressHeader: 'x-forwarded-for' }]],
    ['proxies', [{ networks: ['10.0.0.0/8'] }]],
    ['proxies', [{ networks: ['10.0.0.0/8'], addressHeader: 'X-Forwarded-For' }]],
    ['proxies', [{ networks: ['10.0.0.0/8'], addressHeader: ['x-real-ip', 'forwarded'] }]],
    ['proxies', [{ networks: ['10.0.0.0/8'], addressHeader: 'x-real-ip', certificateHeader: 'x-client-cert' }]],
    ['proxies', [{ networks: ['10.0.0.0/8'], addressHeader: 'x-real-ip', certificate: 'client-cert' }]],
    [
      'proxies',
      [
        { networks: ['10.0.0.0/8'], addressHeader: 'x-real-ip' },
        { networks: ['10.1.0.0/16'], addressHeader: 'x-forwarded-for' },
      ],
    ],
    ['certificateProxies', []],
  ])('%s = %j throws and names the option', (name, value) => {
    const create = (): unknown => createGuard({ ...good, [name]: value })
    expect(create).toThrow(GuardConfigurationError)
    expect(create).toThrow(name)
  })

  test.each([
    ['maxFreshnessSeconds', 9],
    ['maxStalenessSeconds', 86_401],
    ['unknownKeyCooldownSeconds', 0],
    ['timeoutMs', 0],
    ['maxResponseBytes', Number.NaN],
    ['maxAge', 1],
  ])('keys.%s = %j throws and names the option', (name, value) => {
    expect(() => createGuard({ ...good, keys: { [name]: value } })).toThrow(`keys.${name}`)
  })
})

describe('revocations', () => {
  test.each([
    ['maxStalenessSeconds', 9],
    ['maxStalenessSeconds', 86_401],
    ['maxStalenessSeconds', Number.NaN],
    ['maxStalenessSeconds', '3600'],
    ['maxEntries', 999],
    ['maxEntries', 5_000_001],
    ['timeoutMs', 0],
    ['maxResponseBytes', 1023],
    ['maxStaleness', 3600],
    ['enabled', false],
  ])('revocations.%s = %j throws and names the option', (name, value) => {
    expect(() => createGuard({ ...good, revocations: { [name]: value } })).toThrow(`revocations.${name}`)
  })
})

describe('routes', () => {
  const guard = createGuard(good)

  test('a declaration in full is taken', () => {
    expect(guard.declare({ scopes: ['configurations/a.b:c-d_e'] }).scopes).toEqual(['configurations/a.b:c-d_e'])
  })

  test.each([
    undefined,
    {},
    { scopes: [] },
    { scopes: undefined },
    { scopes: 'configurations/read' },
    { scopes: ['read'] },
    { scopes: ['other/read'] },
    { scopes: ['configurations/'] },
    { scopes: ['configurations/*'] },
    { scopes: ['configurations/read configurations/write'] },
    { scopes: ['configurations/read', ''] },
    { scopes: [undefined] },
    { scopes: ['configurations/read'], scope: 'configurations/write' },
    { scope: ['configurations/read'] },
  ])('%j throws', (route) => {
    expect(() => guard.declare(route as never)).toThrow(GuardConfigurationError)
  })

  test('verify takes no requirement that the guard did not check', async () => {
    const facts = { authorization: [] }
    await expect(guard.verify(facts, { scopes: [] } as never)).rejects.toThrow(GuardConfigurationError)
    await expect(guard.verify(facts, createGuard(good).declare({ scopes: ['configurations/a'] }))).rejects.toThrow(
      'guard.declare',
    )
    const { ok } = await guard.verify(facts, guard.declare({ scopes: ['configurations/a'] }))
    expect(ok).toBe(false)
  })
})

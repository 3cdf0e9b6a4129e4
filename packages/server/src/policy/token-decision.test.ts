import { maxTokenLifetimeSeconds, type EpochMs, type Scope } from '@latchkey/protocol'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClientId } from '../clients/client.ts'
import { compileClient } from '../clients/compile.ts'
import type { CompiledClient, CompiledCredential } from '../clients/compiled-client.ts'
import type { Client } from '../clients/client.ts'
import type { Credential } from '../clients/credential.ts'
import { compileCatalogue } from '../resource-servers/catalogue.ts'
import type { ResourceServer } from '../resource-servers/resource-server.ts'
import { startMs } from '../kernel/fixed-surroundings.test.support.ts'
import type { NetworkPolicyId } from '../network-policy/network-policy.ts'
import type { RequestedScope } from './token-request.ts'
import { decideToken, denials, type Denial, type Grant, type TokenFacts } from './token-decision.ts'

function server(name: string, scopes: string[], fields: Partial<ResourceServer> = {}): ResourceServer {
  return {
    name,
    audience: `https://${name}.example.com`,
    exclusive: false,
    scopes: scopes.map((scope) => ({ name: scope, description: '' })),
    tokenTtlSeconds: undefined,
    endpointRules: [],
    endpointRulesVersion: 0,
    clientId: undefined,
    createdAt: startMs,
    updatedAt: startMs,
    revision: 1,
    ...fields,
  }
}

const orders = server('orders', ['read', 'write', 'admin'])
const stock = server('stock', ['read'])
const vault = server('vault', ['open'], { exclusive: true })
const latchkey = server('latchkey', ['clients'], { exclusive: true })
const unheld = server('unheld', ['read'])
const servers = [orders, stock, vault, latchkey, unheld]

const local = { id: 'local', reference: 'local', kind: 'local', generation: 1 } as Partial<Credential> as Credential

function client(
  scopes: string[],
  fields: Partial<Client> = {},
  among: readonly ResourceServer[] = servers,
): CompiledClient {
  return compileClient({
    client: {
      clientId: 'acme' as ClientId,
      name: 'Acme',
      kind: 'client',
      resourceServer: undefined,
      state: 'enabled',
      authentication: 'secret',
      scopes: scopes.toSorted() as Scope[],
      scopeEnds: {},
      contactAddress: undefined,
      network: undefined,
      tokenTtlSeconds: undefined,
      createdAt: startMs,
      updatedAt: startMs,
      revision: 1,
      ...fields,
    },
    credentials: [local],
    certificates: [],
    resourceServers: among,
  })
}

function credential(expiresAt?: number): CompiledCredential {
  return { id: 'secret', reference: 'secret', generation: 1, expiresAt, revokedAt: undefined } as CompiledCredential
}

interface Asked {
  /** `malformed` stands for one that breaks the grammar. */
  readonly scope?: string
  readonly resources?: readonly string[]
  readonly client?: CompiledClient
  readonly credentials?: readonly CompiledCredential[]
  readonly boundTo?: string
  readonly address?: string
  readonly now?: number
  readonly servers?: readonly ResourceServer[]
}

const everything = ['orders/read', 'orders/write', 'stock/read', 'vault/open', 'latchkey/clients']

function facts(asked: Asked): TokenFacts {
  const scope: RequestedScope =
    asked.scope === undefined
      ? { kind: 'omitted' }
      : asked.scope === 'malformed'
        ? { kind: 'malformed' }
        : { kind: 'named', scopes: asked.scope.split(' ').filter((item) => item !== '') as Scope[] }
  return {
    client: asked.client ?? client(everything),
    credentials: asked.credentials ?? [credential()],
    boundTo: asked.boundTo,
    address: asked.address,
    catalogue: compileCatalogue(asked.servers ?? servers),
    request: { scope, resources: asked.resources ?? [] },
    now: (asked.now ?? startMs) as EpochMs,
  }
}

function decide(asked: Asked): Grant | Denial {
  return decideToken(facts(asked))
}

function lifetimeOf(decision: Grant | Denial): number {
  if (decision.kind === 'denial') throw new Error(decision.reason)
  return decision.expiresAt - decision.issuedAt
}

const at = (...names: string[]) => names.map((name) => `https://${name}.example.com`)

/** Holds everything, some of it for so many more milliseconds. */
function ending(left: Readonly<Record<string, number>>): CompiledClient {
  return client(everything, {
    scopeEnds: Object.fromEntries(Object.entries(left).map(([scope, ms]) => [scope, (startMs + ms) as EpochMs])),
  })
}

/** Holds everything, and calls from one network. */
function fromOffice(fields: Partial<Client> = {}): CompiledClient {
  const allow = [{ cidr: '198.51.100.0/24', note: undefined, endsAt: undefined }]
  const rules = { mode: 'enforce', allow, covers: undefined } as const
  return client(everything, { network: { id: 'policy' as NetworkPolicyId, version: 1, rules }, ...fields })
}

describe('denials', () => {
  const table: readonly (readonly [reason: Denial['reason'], about: string | undefined, asked: Asked])[] = [
    ['client.disabled', undefined, { client: client(everything, { state: 'disabled' }) }],
    [
      'client.disabled',
      undefined,
      { client: client([], { state: 'disabled', kind: 'resource-server' }), scope: 'malformed' },
    ],
    ['client.certificate_required', undefined, { client: client(everything, { authentication: 'mtls' }) }],
    [
      'client.certificate_required',
      undefined,
      { client: client([], { authentication: 'secret-and-certificate' }), scope: 'malformed' },
    ],
    [
      'client.is_resource_server',
      undefined,
      { client: client([], { kind: 'resource-server', resourceServer: 'orders' }) },
    ],
    [
      'client.is_resource_server',
      undefined,
      { client: client(everything, { kind: 'resource-server' }), scope: 'orders/read' },
    ],
    ['network.address_not_allowed', '203.0.113.9', { client: fromOffice(), address: '203.0.113.9' }],
    [
      'network.address_not_allowed',
      '203.0.113.9',
      { client: fromOffice(), address: '203.0.113.9', scope: 'malformed' },
    ],
    ['network.address_not_allowed', '2001:db8::1', { client: fromOffice(), address: '2001:db8::1' }],
    ['network.address_not_allowed', 'nonsense', { client: fromOffice(), address: 'nonsense' }],
    ['network.address_not_allowed', 'unknown', { client: fromOffice(), address: '' }],
    // Who is not let in at all learns nothing of addresses.
    ['client.disabled', undefined, { client: fromOffice({ state: 'disabled' }), address: '203.0.113.9' }],
    [
      'client.certificate_required',
      undefined,
      { client: fromOffice({ authentication: 'mtls' }), address: '203.0.113.9' },
    ],
    ['scope.malformed', undefined, { scope: 'malformed' }],
    ['scope.malformed', undefined, { scope: 'malformed', resources: ['nonsense'] }],
    ['scope.unknown', 'orders/delete', { scope: 'orders/delete' }],
    ['scope.unknown', 'nobody/read', { scope: 'orders/read nobody/read' }],
    ['scope.unknown', 'Orders/read', { scope: 'Orders/read' }],
    ['scope.unknown', 'read', { scope: 'read' }],
    ['scope.unknown', 'orders', { scope: 'orders' }],
    ['scope.unknown', 'orders/', { scope: 'orders/' }],
    ['scope.unknown', '__proto__', { scope: '__proto__' }],
    ['scope.unknown', 'orders/delete', { scope: 'orders/delete', resources: at('stock') }],
    ['scope.not_granted', 'orders/admin', { scope: 'orders/admin' }],
    ['scope.not_granted', 'unheld/read', { scope: 'orders/read unheld/read orders/delete' }],
    ['scope.not_granted', 'orders/admin', { scope: 'orders/admin', resources: at('stock') }],
    ['scope.exclusive', 'vault/open', { scope: 'vault/open orders/read' }],
    ['scope.exclusive', 'vault/open', { scope: 'orders/read vault/open' }],
    ['scope.exclusive', 'latchkey/clients', { scope: 'latchkey/clients stock/read' }],
    ['scope.exclusive', 'vault/open', { scope: 'vault/open latchkey/clients' }],
    ['scope.exclusive', 'vault/open', { scope: 'vault/open orders/read', resources: at('vault', 'orders') }],
    ['scope.nothing_granted', undefined, { client: client([]) }],
    ['scope.nothing_granted', undefined, { client: client(['vault/open', 'latchkey/clients']) }],
    ['scope.nothing_left', undefined, { scope: 'orders/read', resources: at('stock') }],
    ['scope.nothing_left', undefined, { resources: at('vault') }],
    ['scope.nothing_left', undefined, { client: client(['vault/open']), resources: at('vault') }],
    ['resource.unknown', 'https://nobody.example.com', { resources: at('nobody') }],
    ['resource.unknown', 'https://nobody.example.com', { scope: 'orders/read', resources: at('orders', 'nobody') }],
    ['resource.unknown', 'https://orders.example.com/', { resources: ['https://orders.example.com/'] }],
    ['resource.unknown', 'orders', { resources: ['orders'] }],
    ['resource.unknown', '', { resources: [''] }],
    ['resource.not_granted', 'https://unheld.example.com', { resources: at('unheld') }],
    ['resource.not_granted', 'https://unheld.example.com', { scope: 'orders/read', resources: at('orders', 'unheld') }],
    ['scope.ended', 'orders/read', { client: ending({ 'orders/read': 0 }), scope: 'orders/read' }],
    [
      'scope.ended',
      'orders/read',
      { client: ending({ 'orders/read': 5000 }), scope: 'stock/read orders/read', now: startMs + 5000 },
    ],
    ['scope.ended', 'vault/open', { client: ending({ 'vault/open': -1 }), scope: 'vault/open' }],
    ['scope.ended', undefined, { client: ending({ 'orders/read': 0, 'orders/write': 0, 'stock/read': 0 }) }],
    ['scope.nothing_left', undefined, { client: ending({ 'stock/read': 0 }), resources: at('stock') }],
    ['lifetime.nothing_left', undefined, { client: ending({ 'orders/read': 999 }), scope: 'orders/read' }],
    ['lifetime.nothing_left', undefined, { credentials: [credential(startMs)] }],
    ['lifetime.nothing_left', undefined, { credentials: [credential(startMs + 999)] }],
    ['lifetime.nothing_left', undefined, { credentials: [credential(), credential(startMs - 1)] }],
    ['lifetime.nothing_left', undefined, { credentials: [credential(startMs + 999)], now: startMs + 998 }],
  ]

  test.each(table)('%s (%s) %#', (reason, about, asked) => {
    expect(decide(asked)).toEqual({ kind: 'denial', reason, about })
  })

  test('every reason is in the table', () => {
    expect(new Set(table.map(([reason]) => reason))).toEqual(new Set(Object.keys(denials)))
  })
})

describe('grants: scopes and audiences', () => {
  test.each<[scope: string, audience: string | readonly string[], asked: Asked]>([
    // The default grant: all that is held, nothing exclusive.
    ['orders/read orders/write stock/read', at('orders', 'stock'), {}],
    ['stock/read', 'https://stock.example.com', { client: client(['stock/read', 'vault/open']) }],
    // What has ended is not in it.
    ['orders/write stock/read', at('orders', 'stock'), { client: ending({ 'orders/read': 0 }) }],
    ['stock/read', 'https://stock.example.com', { client: ending({ 'orders/read': 0, 'orders/write': -1 }) }],
    ['orders/write', 'https://orders.example.com', { client: ending({ 'orders/read': 0 }), resources: at('orders') }],
    [
      'orders/read',
      'https://orders.example.com',
      { client: ending({ 'orders/read': 1000, 'stock/read': 0 }), scope: 'orders/read' },
    ],
    // Named: the order that was asked for.
    ['orders/write orders/read', 'https://orders.example.com', { scope: 'orders/write orders/read' }],
    ['stock/read orders/read', at('stock', 'orders'), { scope: 'stock/read orders/read' }],
    ['orders/read stock/read orders/write', at('orders', 'stock'), { scope: 'orders/read stock/read orders/write' }],
    // Exclusive: alone, by name.
    ['vault/open', 'https://vault.example.com', { scope: 'vault/open' }],
    ['latchkey/clients', 'https://latchkey.example.com', { scope: 'latchkey/clients', resources: at('latchkey') }],
    // `resource` narrows audience and scopes (RFC 8707 §2.2).
    ['orders/read orders/write', 'https://orders.example.com', { resources: at('orders') }],
    ['orders/read orders/write stock/read', at('orders', 'stock'), { resources: at('stock', 'orders', 'stock') }],
    ['stock/read', 'https://stock.example.com', { scope: 'orders/read stock/read', resources: at('stock') }],
    ['stock/read', 'https://stock.example.com', { scope: 'stock/read', resources: at('stock', 'orders') }],
    // A resource takes the other out before the two could be mixed.
    ['vault/open', 'https://vault.example.com', { scope: 'vault/open orders/read', resources: at('vault') }],
    ['orders/read', 'https://orders.example.com', { scope: 'vault/open orders/read', resources: at('orders') }],
  ])('%s %#', (scope, audience, asked) => {
    const decision = decide(asked)
    expect(decision).toMatchObject({ kind: 'grant', scopes: { text: scope, audience } })
    expect((decision as Grant).scopes.scopes.join(' ')).toBe(scope)
  })

  test('who took part goes into the grant', () => {
    const given = facts({ credentials: [credential(), credential(startMs + 9000)] })
    expect(decideToken(given)).toMatchObject({ client: given.client, credentials: given.credentials })
  })
})

describe('grants: lifetime', () => {
  const strict = server('strict', ['read'], { tokenTtlSeconds: 120 })
  const lax = server('lax', ['read'], { tokenTtlSeconds: 7200 })
  const longest = server('longest', ['read'], { tokenTtlSeconds: 1_000_000 })
  const among = [orders, strict, lax, longest]
  const holder = (fields: Partial<Client> = {}) =>
    client(['orders/read', 'strict/read', 'lax/read', 'longest/read'], fields, among)

  test.each<[seconds: number, asked: Asked & { ttl?: number; ends?: (number | undefined)[] }]>([
    [3600, { scope: 'orders/read' }],
    [120, { scope: 'strict/read' }],
    [120, { scope: 'lax/read strict/read orders/read' }],
    [120, {}],
    [7200, { scope: 'lax/read' }],
    [7200, { scope: 'lax/read orders/read' }],
    [600, { scope: 'orders/read', ttl: 600 }],
    [600, { scope: 'lax/read', ttl: 600 }],
    [120, { scope: 'strict/read', ttl: 600 }],
    [10_000, { scope: 'orders/read', ttl: 10_000 }],
    [86_400, { scope: 'orders/read', ttl: 86_400 }],
    [86_400, { scope: 'orders/read', ttl: 86_401 }],
    [86_400, { scope: 'longest/read' }],
    [86_400, { scope: 'longest/read', ends: [startMs + 86_401_000] }],
    [60, { scope: 'orders/read', ends: [startMs + 60_000] }],
    [60, { scope: 'orders/read', ends: [startMs + 60_999] }],
    [61, { scope: 'orders/read', ends: [startMs + 61_000] }],
    [1, { scope: 'orders/read', ends: [startMs + 1000] }],
    [5, { scope: 'orders/read', ends: [undefined, startMs + 5000, startMs + 9000] }],
    [120, { scope: 'strict/read', ends: [startMs + 200_000] }],
    // The token begins at the whole second before now: an end in the next second leaves one.
    [1, { scope: 'orders/read', now: startMs + 999, ends: [startMs + 1000] }],
  ])('%d s %#', (seconds, { ttl, ends = [undefined], ...asked }) => {
    const decision = decide({
      ...asked,
      servers: among,
      client: holder({ tokenTtlSeconds: ttl }),
      credentials: ends.map((end) => credential(end)),
    })
    expect(lifetimeOf(decision)).toBe(seconds)
  })

  test.each<[seconds: number, asked: Asked]>([
    [60, { client: ending({ 'orders/read': 60_999 }), scope: 'orders/read' }],
    [60, { client: ending({ 'orders/read': 60_000, 'stock/read': 90_000 }) }],
    [30, { client: ending({ 'orders/read': 60_000, 'stock/read': 0 }), credentials: [credential(startMs + 30_000)] }],
    [3600, { client: ending({ 'orders/read': 60_000 }), scope: 'stock/read' }],
    [3600, { client: ending({ 'orders/read': 90_000_000 }) }],
  ])('no longer than a scope in it: %d s %#', (seconds, asked) => {
    expect(lifetimeOf(decide(asked))).toBe(seconds)
  })

  test('begins at the whole second, rounded down', () => {
    for (const ms of [0, 1, 500, 999]) {
      expect(decide({ now: startMs + ms })).toMatchObject({
        issuedAt: startMs / 1000,
        expiresAt: startMs / 1000 + 3600,
      })
    }
  })
})

describe('whatever is asked', () => {
  const serverNames = ['a', 'b', 'c', 'd']
  const scopeNames = ['r', 'w', 'x']
  const ttl = fc.option(fc.integer({ min: 60, max: 200_000 }), { nil: undefined })
  const world = fc
    .record({
      flags: fc.tuple(...serverNames.map(() => fc.record({ exclusive: fc.boolean(), tokenTtlSeconds: ttl }))),
      held: fc.subarray(serverNames.flatMap((name) => scopeNames.map((scope) => `${name}/${scope}`))),
      clientTtl: ttl,
      asked: fc.option(
        fc.uniqueArray(
          fc.constantFrom(
            ...serverNames.flatMap((name) => scopeNames.map((scope) => `${name}/${scope}`)),
            'a/z',
            'z/z',
          ),
          { minLength: 1, maxLength: 5 },
        ),
        { nil: undefined },
      ),
      resources: fc.array(fc.constantFrom(...at(...serverNames)), { maxLength: 3 }),
      ends: fc.array(fc.option(fc.integer({ min: startMs - 1000, max: startMs + 100_000_000 }), { nil: undefined }), {
        minLength: 1,
        maxLength: 3,
      }),
      now: fc.integer({ min: startMs, max: startMs + 5000 }),
    })
    .map(({ flags, held, clientTtl, asked, resources, ends, now }) => {
      const among = serverNames.map((name, i) => server(name, scopeNames, flags[i]))
      return facts({
        servers: among,
        client: client(held, { tokenTtlSeconds: clientTtl }, among),
        credentials: ends.map((end) => credential(end)),
        resources,
        now,
        ...(asked === undefined ? {} : { scope: asked.join(' ') }),
      })
    })

  function eachGrant(check: (grant: Grant, given: TokenFacts) => void): void {
    let grants = 0
    fc.assert(
      fc.property(world, (given) => {
        const decision = decideToken(given)
        if (decision.kind === 'denial') return
        grants++
        check(decision, given)
      }),
      { numRuns: 1000 },
    )
    expect(grants).toBeGreaterThan(50)
  }

  test('what is granted is held, and was asked for', () => {
    eachGrant(({ scopes }, { client: { grants }, request }) => {
      expect(scopes.scopes.length).toBeGreaterThan(0)
      expect(new Set(scopes.scopes).size).toBe(scopes.scopes.length)
      for (const scope of scopes.scopes) expect(grants.has(scope)).toBe(true)
      if (request.scope.kind === 'named')
        expect(request.scope.scopes).toEqual(expect.arrayContaining([...scopes.scopes]))
    })
  })

  test('audiences are exactly those of the scopes, and among the resources', () => {
    eachGrant(({ scopes }, { client: { grants }, request }) => {
      const audiences = [scopes.audience].flat()
      expect(new Set(audiences)).toEqual(new Set(scopes.scopes.map((scope) => grants.get(scope)?.audience)))
      expect(new Set(audiences).size).toBe(audiences.length)
      if (request.resources.length > 0) expect(request.resources).toEqual(expect.arrayContaining(audiences))
    })
  })

  test('what is exclusive is never mixed, and never comes without being named', () => {
    eachGrant(({ scopes }, { client: { grants }, request }) => {
      const involved = new Set(scopes.scopes.map((scope) => grants.get(scope)))
      const exclusive = [...involved].filter((one) => one?.exclusive)
      if (exclusive.length > 0) {
        expect(involved.size).toBe(1)
        expect(request.scope.kind).toBe('named')
      }
    })
  })

  test('no token outlives any of its bounds, and none is born dead', () => {
    eachGrant((grant, { client: { grants, tokenTtlSeconds }, credentials, now }) => {
      const { issuedAt, expiresAt } = grant
      expect(issuedAt).toBe(Math.floor(now / 1000))
      expect(expiresAt).toBeGreaterThan(issuedAt)
      const bounds = [tokenTtlSeconds, ...grant.scopes.scopes.map((scope) => grants.get(scope)?.tokenTtlSeconds)]
      for (const bound of bounds) expect(expiresAt - issuedAt).toBeLessThanOrEqual(bound ?? Infinity)
      expect(expiresAt - issuedAt).toBeLessThanOrEqual(maxTokenLifetimeSeconds)
      for (const { expiresAt: end } of credentials) expect(expiresAt * 1000).toBeLessThanOrEqual(end ?? Infinity)
    })
  })

  test('the same facts, the same decision; and they stay as they were', () => {
    fc.assert(
      fc.property(world, (given) => {
        const before = structuredClone(given)
        const decision = decideToken(given)
        expect(decideToken(given)).toEqual(decision)
        expect(structuredClone(given)).toEqual(before)
      }),
      { numRuns: 200 },
    )
  })
})

import type { EpochMs, Scope } from '@latchkey/protocol'
import { describe, expect, it } from 'vitest'
import type { Client, ClientId } from '../clients/client.ts'
import type { ResourceServer } from '../resource-servers/resource-server.ts'
import type { Declaration, DeclaredClient, DeclaredResourceServer } from './declaration.ts'
import { planDigest, stepAction, stepChanges } from './describe-plan.ts'
import { makePlan } from './make-plan.ts'
import type { PlanOptions } from './plan.ts'
import type { RegistryState } from './registry-state.ts'

const at = 1_700_000_000_000 as EpochMs
const options: PlanOptions = {
  prune: false,
  now: at,
  mayAdminister: () => true,
  reservedClientIds: new Set(['console']),
}

const shop: ResourceServer = {
  name: 'shop',
  audience: 'urn:shop',
  exclusive: false,
  scopes: [
    { name: 'read', description: 'Look' },
    { name: 'write', description: '' },
  ],
  tokenTtlSeconds: 600,
  endpointRules: [],
  endpointRulesVersion: 0,
  clientId: 'shop-credential' as ClientId,
  createdAt: at,
  updatedAt: at,
  revision: 3,
}
const admin: ResourceServer = { ...shop, name: 'latchkey', audience: 'urn:admin', clientId: undefined }
const state: RegistryState = {
  resourceServers: [admin, shop],
  clients: [client('acme', ['shop/read', 'shop/write']), client('boss', ['latchkey/read']), client('idle', [])],
}

/** What the file would say of all that there is. */
const same: Declaration = {
  resourceServers: [declared(shop)],
  clients: state.clients.map((each) => wanted(each)),
}

describe('a step for what differs, and nothing for what does not', () => {
  it('same → nothing, whatever the order of scopes', () => {
    const turned = same.clients?.map((each) => ({ ...each, scopes: each.scopes.toReversed() }))
    const server = { ...declared(shop), scopes: shop.scopes.toReversed() }
    expect(makePlan({ resourceServers: [server], clients: turned }, state, { ...options, prune: true })).toEqual({
      steps: [],
      notInFile: { resourceServers: [], clients: [] },
      problems: [],
    })
  })

  const serverCases: [what: string, change: Partial<DeclaredResourceServer>, changes: unknown[], ends: string[]][] = [
    ['audience', { audience: 'urn:new' }, [['audience', 'urn:shop', 'urn:new']], ['acme']],
    ['made exclusive', { exclusive: true }, [['exclusive', false, true]], ['acme']],
    ['shorter tokens', { tokenTtlSeconds: 60 }, [['token_ttl_seconds', 600, 60]], ['acme']],
    ['longer tokens', { tokenTtlSeconds: 900 }, [['token_ttl_seconds', 600, 900]], []],
    ['tokens without a bound', { tokenTtlSeconds: undefined }, [['token_ttl_seconds', 600, null]], []],
    [
      'one scope more',
      { scopes: [...shop.scopes, { name: 'x', description: 'X' }] },
      [
        ['scopes', null, 'x'],
        ['scopes.x.description', null, 'X'],
      ],
      [],
    ],
    [
      'another description',
      {
        scopes: [
          { name: 'read', description: 'See' },
          { name: 'write', description: '' },
        ],
      },
      [['scopes.read.description', 'Look', 'See']],
      [],
    ],
  ]
  it.each(serverCases)('resource server: %s', (_what, change, changes, ends) => {
    const { steps, problems } = makePlan(
      { ...same, resourceServers: [{ ...declared(shop), ...change }] },
      state,
      options,
    )
    expect(problems).toEqual([])
    expect(steps).toMatchObject([{ kind: 'resource_server', id: 'shop', endsTokensOf: ends }])
    expect(listed(steps[0])).toEqual(changes)
  })

  const clientCases: [what: string, change: Partial<DeclaredClient>, changes: unknown[], ends: string[]][] = [
    ['name', { name: 'new' }, [['name', 'acme', 'new']], []],
    ['a scope less', { scopes: ['shop/read'] as Scope[] }, [['scopes', 'shop/write', null]], ['acme']],
    ['disabled', { state: 'disabled' }, [['state', 'enabled', 'disabled']], ['acme']],
    ['a contact', { contactAddress: 'a@acme.example' }, [['contact_address', null, 'a@acme.example']], []],
    [
      'an end',
      { scopeEnds: { ['shop/read' as Scope]: Date.UTC(2027, 0, 31) as EpochMs } },
      [['scope_ends.shop/read', null, '2027-01-31T00:00:00Z']],
      ['acme'],
    ],
    ['shorter tokens', { tokenTtlSeconds: 60 }, [['token_ttl_seconds', null, 60]], ['acme']],
  ]
  it.each(clientCases)('client: %s', (_what, change, changes, ends) => {
    const clients = same.clients?.map((each) => (each.clientId === 'acme' ? { ...each, ...change } : each))
    const { steps, problems } = makePlan({ ...same, clients }, state, options)
    expect(problems).toEqual([])
    expect(steps).toMatchObject([{ kind: 'client', id: 'acme', endsTokensOf: ends }])
    expect(listed(steps[0])).toEqual(changes)
  })

  it('a state that the file does not speak of stays', () => {
    const disabled = { ...state, clients: state.clients.map((each): Client => ({ ...each, state: 'disabled' })) }
    expect(makePlan(same, disabled, options).steps).toEqual([])
  })

  it('new ones are created, with scopes that come with the same file', () => {
    const till: DeclaredResourceServer = { ...declared(shop), name: 'till', audience: 'urn:till' }
    const clerk = wanted(client('clerk', ['till/read']))
    const plan = makePlan({ resourceServers: [till], clients: [clerk] }, state, options)
    expect(plan.problems).toEqual([])
    expect(plan.steps.map((step) => [stepAction(step), step.kind, step.id, step.endsTokensOf])).toEqual([
      ['create', 'resource_server', 'till', []],
      ['create', 'client', 'clerk', []],
    ])
  })
})

describe('what the file does not name', () => {
  it('stays and is said', () => {
    expect(makePlan({ resourceServers: [], clients: [] }, state, options)).toEqual({
      steps: [],
      notInFile: { resourceServers: ['shop'], clients: ['acme', 'boss', 'idle'] },
      problems: [],
    })
  })

  it('goes with prune, but for administrators and what is Latchkey’s own', () => {
    const plan = makePlan({ resourceServers: [], clients: [] }, state, { ...options, prune: true })
    expect(plan.problems).toEqual([])
    expect(plan.steps.map((step) => [stepAction(step), step.id])).toEqual([
      ['delete', 'shop'],
      ['delete', 'acme'],
      ['delete', 'idle'],
    ])
    expect(plan.notInFile).toEqual({ resourceServers: [], clients: ['boss'] })
  })

  it('stays when its section is absent, prune or not', () => {
    const plan = makePlan({ resourceServers: undefined, clients: undefined }, state, { ...options, prune: true })
    expect(plan.steps).toEqual([])
    expect(plan.notInFile).toEqual({ resourceServers: ['shop'], clients: ['acme', 'boss', 'idle'] })
  })
})

describe('what cannot be applied', () => {
  const readOnly = { ...declared(shop), scopes: shop.scopes.slice(0, 1) }
  const cases: [
    what: string,
    declaration: Declaration,
    change: Partial<PlanOptions>,
    field: string,
    message: RegExp,
  ][] = [
    [
      'Latchkey’s own API',
      { resourceServers: [{ ...declared(shop), name: 'latchkey' }], clients: undefined },
      {},
      'resource_servers.0.name',
      /own/,
    ],
    [
      'an audience that another has',
      { resourceServers: [{ ...declared(shop), name: 'new' }], clients: undefined },
      {},
      'resource_servers.0.audience',
      /shop has/,
    ],
    [
      'a scope that nobody has',
      { resourceServers: undefined, clients: [wanted(client('new', ['shop/read', 'shop/none']))] },
      {},
      'clients.0.scopes.1',
      /no scope shop\/none/,
    ],
    [
      'an API that nobody has',
      { resourceServers: undefined, clients: [wanted(client('new', ['none/read']))] },
      {},
      'clients.0.scopes.0',
      /no scope none\/read/,
    ],
    [
      'a name of the audit log’s',
      { resourceServers: undefined, clients: [wanted(client('console', []))] },
      {},
      'clients.0.client_id',
      /audit log/,
    ],
    [
      'the credential of an API',
      { resourceServers: undefined, clients: [wanted(client('shop-credential', []))] },
      {},
      'clients.0.client_id',
      /credential of the resource server shop/,
    ],
    [
      'a scope that goes while others hold it',
      { resourceServers: [readOnly], clients: undefined },
      {},
      'resource_servers.0.scopes',
      /1 client.*acme/,
    ],
    [
      'an API that goes while others hold it',
      { resourceServers: [], clients: undefined },
      { prune: true },
      '',
      /shop would go.*acme/,
    ],
    [
      'an API that goes while the file grants it',
      { resourceServers: [], clients: [wanted(client('acme', ['shop/read']))] },
      { prune: true },
      'clients.0.scopes.0',
      /no scope shop\/read/,
    ],
    [
      'an administrator made above the caller',
      { resourceServers: undefined, clients: [wanted(client('new', ['latchkey/read']))] },
      { mayAdminister: () => false },
      'clients.0.scopes',
      /does not hold that itself/,
    ],
    [
      'an administrator widened by one below',
      { resourceServers: undefined, clients: [wanted(client('boss', ['latchkey/read', 'shop/read']))] },
      { mayAdminister: () => false },
      'clients.0.scopes',
      /does not hold that itself/,
    ],
  ]
  it.each(cases)('%s', (_what, declaration, change, field, message) => {
    const { problems } = makePlan(declaration, state, { ...options, ...change })
    expect(problems).toEqual([{ field, message: expect.stringMatching(message) as string }])
  })

  it('a scope may go when the file takes it from its holders, or deletes them', () => {
    const clients = [wanted(client('acme', ['shop/read']))]
    expect(makePlan({ resourceServers: [readOnly], clients }, state, options).problems).toEqual([])
    expect(makePlan({ resourceServers: [readOnly], clients: [] }, state, { ...options, prune: true }).problems).toEqual(
      [],
    )
  })

  it('an administrator may be made smaller by anybody: that must not wait', () => {
    const clients = [{ ...wanted(client('boss', [])), state: 'disabled' as const }]
    const plan = makePlan({ resourceServers: undefined, clients }, state, { ...options, mayAdminister: () => false })
    expect(plan).toMatchObject({ steps: [{ id: 'boss', endsTokensOf: ['boss'] }], problems: [] })
  })

  it('an administrator who is named and stays as he is needs no authority', () => {
    expect(makePlan(same, state, { ...options, mayAdminister: () => false })).toMatchObject({ steps: [], problems: [] })
  })
})

describe('the digest of a plan', () => {
  const renamed: Declaration = {
    resourceServers: undefined,
    clients: [{ ...wanted(client('acme', ['shop/read', 'shop/write'])), name: 'new' }],
  }
  const digest = (declaration: Declaration, from = state) => planDigest(makePlan(declaration, from, options))
  const withAcme = (change: Partial<Client>) => ({
    ...state,
    clients: state.clients.map((each) => (each.clientId === 'acme' ? { ...each, ...change } : each)),
  })

  it('is the same for the same, and when something else moves', () => {
    expect(digest(renamed)).toBe(digest(renamed))
    expect(digest(renamed, { ...state, clients: [...state.clients, client('other', [])] })).toBe(digest(renamed))
  })

  it('is another when the steps are, or what they start from', () => {
    expect(digest({ ...renamed, clients: [] })).not.toBe(digest(renamed))
    expect(digest(renamed, withAcme({ revision: 2 }))).not.toBe(digest(renamed))
    expect(digest(renamed, withAcme({ createdAt: (at + 1) as EpochMs }))).not.toBe(digest(renamed))
  })
})

function client(clientId: string, scopes: string[]): Client {
  return {
    clientId: clientId as ClientId,
    name: clientId,
    kind: 'client',
    resourceServer: undefined,
    state: 'enabled',
    authentication: 'secret',
    scopes: scopes as Scope[],
    scopeEnds: {},
    contactAddress: undefined,
    network: undefined,
    tokenTtlSeconds: undefined,
    createdAt: at,
    updatedAt: at,
    revision: 1,
  }
}

function declared({ name, audience, exclusive, tokenTtlSeconds, scopes }: ResourceServer): DeclaredResourceServer {
  return { name, audience, exclusive, tokenTtlSeconds, scopes, endpointRules: undefined }
}

function wanted({ clientId, name, tokenTtlSeconds, scopes, scopeEnds, contactAddress }: Client): DeclaredClient {
  return {
    clientId,
    name,
    state: undefined,
    authentication: undefined,
    tokenTtlSeconds,
    scopes,
    scopeEnds,
    contactAddress,
    network: undefined,
  }
}

function listed(step: Parameters<typeof stepChanges>[0] | undefined): unknown[] {
  return step === undefined ? [] : stepChanges(step).map(({ field, before, after }) => [field, before, after])
}

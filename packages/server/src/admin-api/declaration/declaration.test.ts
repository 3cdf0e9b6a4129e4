import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../testing/start-test-server.ts'
import { adminSender, expectProblem, type AdminAnswer, type SendAdmin } from '../testing/admin-request.ts'

/* A whole server each, reached through its unix socket. */

let server: TestServer
let send: SendAdmin

const shop = { name: 'shop', audience: 'urn:shop', scopes: [{ name: 'read', description: 'Look' }, { name: 'write' }] }
const acme = { client_id: 'acme-1', name: 'Acme', scopes: ['shop/read', 'shop/write'] }
const idle = { client_id: 'Idle', name: 'Idle', scopes: ['shop/read'] }
const document = { latchkey: 1, resource_servers: [shop], clients: [acme, idle] }

beforeEach(async () => {
  server = await startTestServer()
  send = adminSender(server.adminSocket)
})

afterEach(async () => {
  await server.dispose()
})

describe('apply', () => {
  it('makes what the document names, under the ids that it chose, and no secret', async () => {
    const applied = await apply(document)
    expect(applied.status).toBe(200)
    expect(applied.text).not.toContain('lk_')
    expect(idsOf(applied)).toEqual(['create shop', 'create Idle', 'create acme-1'])
    const shown = await send('GET', '/clients/acme-1')
    expect(shown.body).toMatchObject({
      name: 'Acme',
      state: 'enabled',
      scopes: ['shop/read', 'shop/write'],
      secrets: [],
    })
    expect((await send('GET', '/resource-servers/shop')).body).toMatchObject({
      audience: 'urn:shop',
      exclusive: false,
      scopes: [
        { name: 'read', description: 'Look' },
        { name: 'write', description: '' },
      ],
    })
  })

  it('makes clients that get tokens once they have a secret', async () => {
    await apply(document)
    const { body } = await send('POST', '/clients/acme-1/secrets')
    const response = await fetch(server.tokenEndpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`acme-1:${String(body['client_secret'])}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    expect(response.status).toBe(200)
  })

  it('a second time does nothing: no row, no revision, no token ends', async () => {
    await apply(document)
    const token = await tokenOf('acme-1')
    const before = [await rows(), (await send('GET', '/clients/acme-1')).body]
    expect((await apply(document)).body).toEqual({ steps: [] })
    expect([await rows(), (await send('GET', '/clients/acme-1')).body]).toEqual(before)
    expect(await isActive(token)).toBe(true)
  })

  it('writes a row for each step, before and after, and one for the whole, under one request id', async () => {
    await apply(document)
    const changed = await apply({
      latchkey: 1,
      clients: [{ ...acme, name: 'Acme Ltd', scopes: ['shop/read'], state: 'disabled' }],
    })
    const { body } = await send('GET', `/audit/events?request_id=${String(changed.headers['x-request-id'])}`)
    const entries = body['items'] as { event: string; subject: string; details: Record<string, unknown> }[]
    expect(entries.map(({ event, subject }) => [event, subject]).toReversed()).toEqual([
      ['client.updated', 'acme-1'],
      ['client.disabled', 'acme-1'],
      ['declaration.applied', expect.any(String)],
    ])
    expect(entries.at(-1)?.details).toMatchObject({
      before: { name: 'Acme', scopes: ['shop/read', 'shop/write'] },
      after: { name: 'Acme Ltd', scopes: ['shop/read'] },
      tokens_ended: true,
    })
    expect(entries[0]?.details).toMatchObject({ created: 0, updated: 1, deleted: 0, tokens_ended_of: 1, prune: false })
    expect((await send('POST', '/audit/verify')).body['intact']).toBe(true)
  })

  it('ends the tokens of those whose access gets smaller, and of nobody else', async () => {
    await apply(document)
    const [narrowed, untouched] = [await tokenOf('acme-1'), await tokenOf('Idle')]
    const smaller = { ...document, clients: [{ ...acme, scopes: ['shop/read'] }, idle] }
    const planned = await plan(smaller)
    expect(planned.body['steps']).toMatchObject([{ id: 'acme-1', ends_tokens_of: ['acme-1'] }])
    expect(await isActive(narrowed)).toBe(true)
    await apply(smaller)
    expect([await isActive(narrowed), await isActive(untouched)]).toEqual([false, true])
  })

  it('ends them when a resource server gets narrower, as the plan said', async () => {
    await apply(document)
    const token = await tokenOf('Idle')
    const moved = { latchkey: 1, resource_servers: [{ ...shop, audience: 'urn:elsewhere' }] }
    expect((await plan(moved)).body['steps']).toMatchObject([{ id: 'shop', ends_tokens_of: ['Idle', 'acme-1'] }])
    await apply(moved)
    expect(await isActive(token)).toBe(false)
  })

  it('takes a scope from its API and from those who hold it at once', async () => {
    await apply(document)
    const without = { ...shop, scopes: [{ name: 'read' }, { name: 'list', description: 'New' }] }
    const applied = await apply({
      latchkey: 1,
      resource_servers: [without],
      clients: [{ ...acme, scopes: ['shop/read', 'shop/list'] }],
    })
    expect(applied.status).toBe(200)
    expect((await send('GET', '/clients/acme-1')).body['scopes']).toEqual(['shop/list', 'shop/read'])
    const { body } = await send('GET', '/resource-servers/shop')
    expect((body['scopes'] as { name: string }[]).map(({ name }) => name)).toEqual(['list', 'read'])
  })

  it('leaves a disabled client disabled unless the document says otherwise', async () => {
    await apply(document)
    await send('POST', '/clients/acme-1/disable')
    expect((await apply(document)).body).toEqual({ steps: [] })
    expect((await apply({ ...document, clients: [{ ...acme, state: 'enabled' }, idle] })).status).toBe(200)
    expect((await send('GET', '/clients/acme-1')).body['state']).toBe('enabled')
  })

  it('deletes only with prune, and never what administrates', async () => {
    await apply(document)
    const token = await tokenOf('Idle')
    const rest = { latchkey: 1, resource_servers: [shop], clients: [acme] }
    const { body } = await plan(rest)
    expect(body).toMatchObject({ steps: [], not_in_file: { resource_servers: [], clients: ['Idle'] } })
    expect((await apply(rest)).body).toEqual({ steps: [] })
    expect(idsOf(await apply(rest, { prune: true }))).toEqual(['delete Idle'])
    expect((await send('GET', '/clients/Idle')).status).toBe(404)
    expect(await isActive(token)).toBe(false)
  })
})

describe('the plan names exactly those whose tokens end', () => {
  const long = { ...document, resource_servers: [{ ...shop, token_ttl_seconds: 900 }] }
  const changed = (change: object) => ({ ...document, clients: [{ ...acme, ...change }, idle] })
  const cases: [what: string, from: object, to: object, ended: string[]][] = [
    ['nothing', document, document, []],
    ['another name', document, changed({ name: 'New' }), []],
    ['a scope less', document, changed({ scopes: ['shop/write'] }), ['acme-1']],
    ['a scope for another', document, changed({ scopes: ['shop/read', 'shop/list'] }), ['acme-1']],
    ['disabled', document, changed({ state: 'disabled' }), ['acme-1']],
    ['shorter tokens', document, changed({ token_ttl_seconds: 60 }), ['acme-1']],
    ['longer tokens', changed({ token_ttl_seconds: 60 }), document, []],
    ['shorter tokens of the API', document, long, ['Idle', 'acme-1']],
    ['longer tokens of the API', long, document, []],
    [
      'an exclusive API',
      document,
      { ...document, resource_servers: [{ ...shop, exclusive: true }] },
      ['Idle', 'acme-1'],
    ],
    [
      'another audience',
      document,
      { ...document, resource_servers: [{ ...shop, audience: 'urn:b' }] },
      ['Idle', 'acme-1'],
    ],
    ['deleted', document, { ...document, clients: [idle] }, ['acme-1']],
  ]
  it.each(cases)('%s', async (what, from, to, ended) => {
    const list = { name: 'list' }
    const withList = (wanted: object) =>
      what === 'a scope for another'
        ? { ...wanted, resource_servers: [{ ...shop, scopes: [...shop.scopes, list] }] }
        : wanted
    await apply(from)
    const tokens = [await tokenOf('Idle'), await tokenOf('acme-1')]
    const { body } = await plan(withList(to), { prune: true })
    const named = (body['steps'] as { ends_tokens_of: string[] }[]).flatMap((step) => step.ends_tokens_of)
    expect((await apply(withList(to), { prune: true })).status).toBe(200)
    const active = await Promise.all(tokens.map((token) => isActive(token)))
    expect(['Idle', 'acme-1'].filter((_id, i) => active[i] !== true)).toEqual(ended)
    expect([...new Set(named)].toSorted()).toEqual(ended)
  })
})

describe('a digest', () => {
  it('applies the plan that was shown', async () => {
    const planned = await plan(document)
    expect((await apply(document, { digest: planned.body['digest'] })).status).toBe(200)
  })

  it('of what has moved → 409, and nothing is done', async () => {
    await apply(document)
    const wanted = { ...document, clients: [{ ...acme, name: 'Other' }, idle] }
    const { digest } = (await plan(wanted)).body
    await send('PATCH', '/clients/acme-1', { body: { name: 'Moved' } })
    const before = await rows()
    expectProblem(await apply(wanted, { digest }), 409, 'declaration.stale')
    expect(await rows()).toBe(before)
    expect((await send('GET', '/clients/acme-1')).body['name']).toBe('Moved')
  })

  it('used by two at once is taken once', async () => {
    const { digest } = (await plan(document)).body
    const answers = await Promise.all([apply(document, { digest }), apply(document, { digest })])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409])
  })
})

describe('what cannot be applied changes nothing', () => {
  it('says every reason in the plan, and the first when it is applied', async () => {
    await apply(document)
    const wrong = {
      latchkey: 1,
      resource_servers: [{ name: 'till', audience: 'urn:shop', scopes: [{ name: 'read' }] }],
      clients: [{ ...acme, name: 'Changed', scopes: ['shop/none'] }],
    }
    expect((await plan(wrong)).body['problems']).toMatchObject([
      { field: 'resource_servers.0.audience' },
      { field: 'clients.0.scopes.0' },
    ])
    const before = await rows()
    const answer = await apply(wrong)
    expectProblem(answer, 422, 'declaration.impossible')
    expect(answer.body['field']).toBe('document.resource_servers.0.audience')
    expect(await rows()).toBe(before)
    expect((await send('GET', '/clients/acme-1')).body['name']).toBe('Acme')
  })

  const secret = `lk_test_${'a'.repeat(16)}_${'B'.repeat(43)}_000000`
  const invalid: [what: string, document: unknown, field: string][] = [
    ['nothing', {}, 'document.latchkey'],
    ['another version', { latchkey: 2 }, 'document.latchkey'],
    ['a list', [], 'document'],
    ['an unknown section', { latchkey: 1, users: [] }, 'document.users'],
    [
      'a secret by its field',
      { latchkey: 1, clients: [{ ...acme, client_secret: 'x' }] },
      'document.clients.0.client_secret',
    ],
    ['a secret by its form', { latchkey: 1, clients: [{ ...acme, name: secret }] }, 'document.clients.0.name'],
    ['a client twice', { latchkey: 1, clients: [idle, idle] }, 'document.clients.1.client_id'],
    [
      'a resource server twice',
      { latchkey: 1, resource_servers: [shop, { ...shop, audience: 'urn:b' }] },
      'document.resource_servers.1.name',
    ],
    [
      'an audience twice',
      { latchkey: 1, resource_servers: [shop, { ...shop, name: 'b' }] },
      'document.resource_servers.1.audience',
    ],
    [
      'a scope twice',
      { latchkey: 1, resource_servers: [{ ...shop, scopes: [{ name: 'a' }, { name: 'a' }] }] },
      'document.resource_servers.0.scopes.1.name',
    ],
    [
      'a granted scope twice',
      { latchkey: 1, clients: [{ ...idle, scopes: ['shop/read', 'shop/read'] }] },
      'document.clients.0.scopes.1',
    ],
    [
      'a scope that its own API lacks',
      { ...document, clients: [{ ...idle, scopes: ['shop/none'] }] },
      'document.clients.0.scopes.0',
    ],
    [
      'a client_id with a slash',
      { latchkey: 1, clients: [{ ...idle, client_id: 'a/b' }] },
      'document.clients.0.client_id',
    ],
    [
      'tokens that live too long',
      { latchkey: 1, clients: [{ ...idle, token_ttl_seconds: 86_401 }] },
      'document.clients.0.token_ttl_seconds',
    ],
  ]
  it('names the field of what is wrong in the document', async () => {
    const before = await rows()
    for (const [what, wrong, field] of invalid) {
      const answer = await apply(wrong)
      expectProblem(answer, 400, 'request.invalid')
      expect({ what, field: answer.body['field'] }).toEqual({ what, field })
      expect(answer.text).not.toContain(secret)
    }
    expect(await rows()).toBe(before)
  })
})

describe('size', () => {
  it('a thousand clients, made, changed and planned; others are answered in between', async () => {
    const clients = Array.from({ length: 1000 }, (_, i) => ({
      client_id: `c${i}`,
      name: `Client ${i}`,
      scopes: ['shop/read'],
    }))
    await apply(document)
    const progress = { isDone: false, answered: 0 }
    const applying = apply({ ...document, clients }).finally(() => {
      progress.isDone = true
    })
    while (!progress.isDone) {
      expect((await fetch(`${server.issuer}/oauth2/jwks`)).status).toBe(200)
      if (!progress.isDone) progress.answered++
      await setImmediate()
    }
    expect((await applying).status).toBe(200)
    expect(progress.answered).toBeGreaterThan(1)
    expect((await plan({ ...document, clients })).body['steps']).toEqual([])
    const exported = (await send('GET', '/declaration')).body
    expect(exported['clients']).toHaveLength(1002)
    expect((await plan(exported)).body).toMatchObject({ steps: [], problems: [] })
  })

  it('more than 8 MiB → 413, and other operations keep their own bound', async () => {
    expect.hasAssertions()
    const huge = { latchkey: 1, clients: [{ ...idle, name: 'x'.repeat(9 * 1024 * 1024) }] }
    expectProblem(await apply(huge), 413, 'request.too_large')
    expectProblem(
      await send('POST', '/clients', { body: { name: 'x'.repeat(300 * 1024), scopes: [] } }),
      413,
      'request.too_large',
    )
  })

  it('more clients than a document may have → 400', async () => {
    expect.hasAssertions()
    const clients = Array.from({ length: 10_001 }, (_, i) => ({ client_id: `c${i}`, name: 'n', scopes: [] }))
    expectProblem(await plan({ latchkey: 1, clients }), 400, 'request.invalid')
  })
})

describe('export', () => {
  it('is a document in a stable order that is applied without a step, and holds no secret', async () => {
    await apply({ ...document, clients: [{ ...acme, state: 'disabled', token_ttl_seconds: 600 }, idle] })
    await send('POST', '/clients/acme-1/secrets')
    const exported = await send('GET', '/declaration')
    expect(exported.body).toEqual({
      latchkey: 1,
      resource_servers: [shop],
      clients: [idle, { ...acme, state: 'disabled', token_ttl_seconds: 600 }],
    })
    expect(exported.text).not.toMatch(/lk_|digest|reference/)
    expect((await plan(exported.body)).body).toMatchObject({ steps: [], problems: [] })
    expect((await plan(exported.body, { prune: true })).body).toMatchObject({ steps: [], problems: [] })
  })

  it('holds contacts and ends of scopes; silence of a file leaves them, and an end for a scope that is not held is refused', async () => {
    const ending = {
      ...acme,
      contact_address: 'ops@acme.example',
      scope_ends: { [String(acme.scopes[0])]: '2027-01-31T00:00:00Z' },
    }
    expect((await apply({ ...document, clients: [ending] })).status).toBe(200)
    const exported = await send('GET', '/declaration')
    expect(exported.body['clients']).toContainEqual(ending)
    expect((await plan({ ...document, clients: [acme] })).body).toMatchObject({ steps: [], problems: [] })
    const endless = await plan({ ...document, clients: [{ ...acme, scope_ends: {} }] })
    expect(endless.body).toMatchObject({ steps: [{ action: 'update', ends_tokens_of: [] }] })
    await apply({ ...document, clients: [{ ...acme, scope_ends: {} }] })
    expect((await send('GET', `/clients/${acme.client_id}`)).body).not.toHaveProperty('scope_ends')
    for (const scope_ends of [{ 'shop/other': '2027-01-31T00:00:00Z' }, { [String(acme.scopes[0])]: '2027-01-31' }]) {
      expectProblem(await plan({ ...document, clients: [{ ...acme, scope_ends }] }), 400, 'request.invalid')
    }
  })

  it('tells where clients may call from and what calls need, and an older file leaves both', async () => {
    const rules = [
      { endpoint: 'POST /orders/**', scopes: ['write'], allowed_ip: true },
      { endpoint: 'GET /**', scopes: [], certificate: true },
    ]
    const network = {
      mode: 'report',
      allow: [
        { cidr: '10.0.0.0/8', note: 'Office' },
        { cidr: '2001:db8::/32', until: '2027-01-31T00:00:00Z' },
      ],
      covers: { token_endpoint: false, apis: [{ name: 'shop', endpoints: ['POST /orders/**'] }] },
    }
    const restricted = {
      ...document,
      resource_servers: [{ ...shop, endpoint_rules: rules }],
      clients: [
        { ...acme, network },
        { ...idle, authentication: 'mtls', network: { allow: [{ cidr: '10.1.2.3/32' }] } },
      ],
    }
    const planned = await plan(restricted)
    expect(JSON.stringify(planned.body['steps'])).toContain('1. POST /orders/** = write,allowed-ip')
    await apply(restricted)
    const { body } = await send('GET', '/declaration')
    expect(body['clients']).toEqual([
      { ...idle, authentication: 'mtls', network: { allow: [{ cidr: '10.1.2.3/32' }] } },
      { ...acme, network },
    ])
    expect(body['resource_servers']).toMatchObject([{ name: 'shop', endpoint_rules: rules }])
    expect((await plan(body)).body).toMatchObject({ steps: [], problems: [] })
    expect((await plan(document)).body).toMatchObject({ steps: [], problems: [] })

    const enforced = { ...network, mode: 'enforce', allow: [{ cidr: '10.0.0.0/8' }] }
    const changed = await plan({
      ...restricted,
      clients: [
        { ...acme, network: enforced },
        { ...idle, network: { mode: 'unrestricted' } },
      ],
    })
    expect(changed.body['steps']).toMatchObject([
      {
        id: 'Idle',
        changes: [
          { field: 'network.mode', before: 'enforce', after: null },
          { field: 'network.allow', before: '10.1.2.3/32', after: null },
          { field: 'network.covers', before: 'everything', after: null },
        ],
        ends_tokens_of: [],
      },
      {
        id: 'acme-1',
        changes: [
          { field: 'network.mode', before: 'report', after: 'enforce' },
          { field: 'network.allow', before: null, after: '10.0.0.0/8' },
          { field: 'network.allow', before: '10.0.0.0/8 (Office)', after: null },
          { field: 'network.allow', before: '2001:db8::/32 (until 2027-01-31T00:00:00Z)', after: null },
        ],
        ends_tokens_of: ['acme-1'],
      },
    ])
    const token = await tokenOf('acme-1')
    expect(
      (
        await apply({
          ...restricted,
          clients: [
            { ...acme, network: enforced },
            { ...idle, network: { mode: 'unrestricted' } },
          ],
        })
      ).status,
    ).toBe(200)
    expect(await isActive(token)).toBe(false)
    expect((await send('GET', '/clients/Idle')).body).not.toHaveProperty('network')
    expect((await apply({ ...document, resource_servers: [{ ...shop, endpoint_rules: [] }] })).status).toBe(200)
    expect((await send('GET', '/resource-servers/shop')).body).not.toHaveProperty('endpoint_rules')
  })

  it('with a wrong address, pattern or rule says which, and does nothing', async () => {
    await apply({
      ...document,
      resource_servers: [{ ...shop, endpoint_rules: [{ endpoint: 'GET /', scopes: ['write'] }] }],
    })
    const before = await rows()
    const withNetwork = (network: object) => ({ ...document, clients: [{ ...acme, network }] })
    const allow = [{ cidr: '10.0.0.0/8' }]
    const one = { name: 'shop', endpoints: ['POST /x', 'post /x'] }
    const cases: [field: string, document: unknown][] = [
      ['clients.0.network.allow.1.cidr', withNetwork({ allow: [...allow, { cidr: '10.1.2.3/8' }] })],
      ['clients.0.network.covers', withNetwork({ allow, covers: { token_endpoint: false, apis: [] } })],
      [
        'clients.0.network.covers.apis.0.endpoints.1',
        withNetwork({ allow, covers: { token_endpoint: false, apis: [one] } }),
      ],
      [
        'clients.0.network.covers.apis.0.name',
        withNetwork({ allow, covers: { token_endpoint: false, apis: [{ name: 'no' }] } }),
      ],
      [
        'resource_servers.0.endpoint_rules.0.scopes.0',
        { latchkey: 1, resource_servers: [{ ...shop, endpoint_rules: [{ endpoint: 'GET /', scopes: ['no'] }] }] },
      ],
      [
        'resource_servers.0.endpoint_rules.0.endpoint',
        { latchkey: 1, resource_servers: [{ ...shop, endpoint_rules: [{ endpoint: 'GET x', scopes: [] }] }] },
      ],
      // The file says nothing of the rule that needs what it takes away.
      [
        'resource_servers.0.scopes',
        {
          latchkey: 1,
          resource_servers: [{ ...shop, scopes: [shop.scopes[0]] }],
          clients: [{ ...acme, scopes: ['shop/read'] }, idle],
        },
      ],
    ]
    for (const [field, wrong] of cases) {
      expect((await plan(wrong)).body['problems']).toMatchObject([{ field }])
      expectProblem(await apply(wrong), 422, 'declaration.impossible')
    }
    for (const network of [{}, { mode: 'report' }, { mode: 'unrestricted', allow }, { allow: [] }]) {
      expectProblem(await plan(withNetwork(network)), 400, 'request.invalid')
    }
    expect(await rows()).toBe(before)
  })

  it('of whatever the single operations can leave behind is applied without a step too', async () => {
    const bare = { name: 'bare', audience: 'urn:bare', scopes: [{ name: 'only', description: '' }] }
    await send('POST', '/resource-servers', { body: { ...bare, exclusive: true, token_ttl_seconds: 60 } })
    const created = await send('POST', '/clients', { body: { name: 'Bäcker 🥐 #1: yes', scopes: ['bare/only'] } })
    const clientId = String(created.body['client_id'])
    await send('POST', '/resource-servers/bare/credentials')
    await send('PATCH', '/resource-servers/bare', { body: { remove_scopes: ['only'], force: true } })
    await send('POST', `/clients/${clientId}/disable`)
    const { body } = await send('GET', '/declaration')
    expect(body).toEqual({
      latchkey: 1,
      resource_servers: [{ name: 'bare', audience: 'urn:bare', exclusive: true, token_ttl_seconds: 60, scopes: [] }],
      clients: [{ client_id: clientId, name: 'Bäcker 🥐 #1: yes', state: 'disabled', scopes: [] }],
    })
    expect((await plan(body, { prune: true })).body).toMatchObject({ steps: [], problems: [] })
  })
})

function apply(wanted: unknown, more: object = {}): Promise<AdminAnswer> {
  return send('POST', '/declaration/apply', { body: { document: wanted, ...more } })
}

function plan(wanted: unknown, more: object = {}): Promise<AdminAnswer> {
  return send('POST', '/declaration/plan', { body: { document: wanted, ...more } })
}

function idsOf(answer: AdminAnswer): string[] {
  return (answer.body['steps'] as { action: string; id: string }[]).map(({ action, id }) => `${action} ${id}`)
}

/** How many administrative rows there are. */
async function rows(): Promise<number> {
  const { checked } = (await send('POST', '/audit/verify')).body as { checked: { rows: number } }
  return checked.rows
}

async function tokenOf(clientId: string): Promise<string> {
  const { body } = await send('POST', '/tokens/get', { body: { client_id: clientId } })
  return String(body['access_token'])
}

async function isActive(token: string): Promise<boolean> {
  return (await send('POST', '/tokens/inspect', { body: { token } })).body['active'] === true
}

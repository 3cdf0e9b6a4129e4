import { afterEach, expect, test } from 'vitest'
import { adminSender, expectProblem } from '../../admin-api/testing/admin-request.ts'
import { administrator } from '../../admin-api/testing/administrators.ts'
import type { Config } from '../../config/config.ts'
import { send, startTestServer, type Answer, type TestServer } from '../../testing/start-test-server.ts'
import { act, confirmed, mailedLink, submit } from './request.test.support.ts'

let server: TestServer

afterEach(() => server.dispose())

async function start(accessRequests: Partial<Config['accessRequests']>, more: Partial<Config> = {}): Promise<void> {
  server = await startTestServer({
    proxies: [{ networks: ['127.0.0.1'], addressHeader: 'x-forwarded-for' }],
    accessRequests: { mode: 'open', approvals: 1, retentionDays: 365, ...accessRequests },
    ...more,
  })
  await server.registerApi('configurations', ['read', 'write'])
}

const refusal = (answer: Answer) => [answer.status, answer.json()['reason']]
const mode = async () => (await send(`${server.publicUrl}/access-requests/form`)).json()['mode']

test('off: the form says so, and takes nothing', async () => {
  await start({ mode: 'off' })
  expect(await mode()).toBe('off')
  expect(refusal(await submit(server))).toEqual([403, 'portal.closed'])
})

test('a server that sends no mail takes no requests: nobody could confirm one', async () => {
  await start(
    {},
    { mode: 'serve', issuer: 'https://auth.example.com', masterKey: { kind: 'value', value: 'A'.repeat(43) } },
  )
  expect(await mode()).toBe('off')
  expect(refusal(await submit(server))).toEqual([403, 'portal.closed'])
})

test('by invitation: the link of one opens the form as often as it says, until it ends', async () => {
  await start({ mode: 'invitation' })
  const admin = adminSender(server.adminSocket)
  expect(await mode()).toBe('invitation')
  expect(refusal(await submit(server))).toEqual([403, 'portal.invitation_needed'])
  expect(refusal(await submit(server, { invitation: 'A'.repeat(43) }))).toEqual([403, 'portal.invitation_needed'])
  const made = await admin('POST', '/invitations', { body: { note: 'Acme', max_uses: 2, expires_in: 3600 } })
  const link = String(made.body['invitation_link'])
  expect(link).toMatch(new RegExp(`^${server.issuer}/access-requests#[\\w-]{43}$`))
  const invitation = link.split('#')[1] ?? ''
  // Refused before anything is kept: that costs no use.
  expect((await submit(server, { invitation, scopes: [{ scope: 'configurations/none' }] })).status).toBe(422)
  for (const host of ['a', 'b']) {
    expect((await submit(server, { invitation, contact_address: `x@${host}.example` })).status).toBe(202)
  }
  expect(refusal(await submit(server, { invitation }))).toEqual([403, 'portal.invitation_needed'])
  const listed = await admin('GET', '/invitations')
  expect(listed.body['items']).toMatchObject([{ note: 'Acme', state: 'used', uses: 2, max_uses: 2 }])
  expect(listed.text).not.toContain(invitation)

  const any = await admin('POST', '/invitations')
  const open = String(any.body['invitation_link']).split('#')[1] ?? ''
  const ended = await admin('POST', '/invitations', { body: { expires_in: 60 } })
  server.clock.advance(60_000)
  const late = String(ended.body['invitation_link']).split('#')[1] ?? ''
  expect(refusal(await submit(server, { invitation: late }))).toEqual([403, 'portal.invitation_needed'])
  const request = await confirmed(server, { invitation: open, contact_address: 'c@c.example' })
  const newest = { id: String(any.body['id']) }
  expect((await admin('GET', `/requests/${request.id}`)).body['invitation_id']).toBe(newest.id)
  expect((await admin('POST', `/invitations/${newest.id}/revoke`)).body).toMatchObject({ state: 'revoked' })
  expect(refusal(await submit(server, { invitation: open }))).toEqual([403, 'portal.invitation_needed'])
  expectProblem(await admin('POST', `/invitations/${'a'.repeat(16)}/revoke`), 404, 'invitation.unknown')
})

test('four eyes: two different people approve the same, never the local socket, never the requester', async () => {
  await start({ approvals: 2 })
  const local = adminSender(server.adminSocket)
  const [one, two] = [await administrator(server, 'requests.write'), await administrator(server, 'requests.write')]
  const request = await confirmed(server)
  const at = `/requests/${request.id}/approve`
  const body = { revision: 2 }
  expectProblem(await local('POST', at, { body }), 403, 'request.not_an_approver')
  expect((await one.send('POST', at, { body })).body).toMatchObject({ waiting_for: 1, request: { state: 'submitted' } })
  // The same one again is still one.
  expect((await one.send('POST', at, { body })).body).toMatchObject({ waiting_for: 1 })
  expect((await local('GET', '/clients?limit=100')).text).not.toContain('Order sync')
  // Another part is not the same: they have to agree.
  const part = { ...body, scopes: [{ scope: 'configurations/read' }] }
  expect((await two.send('POST', at, { body: part })).body).toMatchObject({ waiting_for: 1 })
  const done = await one.send('POST', at, { body: part })
  expect(done.body).toMatchObject({ waiting_for: 0, request: { state: 'partly_approved' } })
  const approvals = (done.body['request'] as { approvals: { actor: string }[] }).approvals
  expect(approvals.map(({ actor }) => actor)).toEqual([two.clientId, one.clientId])
})

test('four eyes: two people agree on addresses too', async () => {
  await start({ approvals: 2 })
  const [one, two] = [await administrator(server, 'requests.write'), await administrator(server, 'requests.write')]
  const request = await confirmed(server, { source_addresses: ['198.51.100.7'] })
  const at = `/requests/${request.id}/approve`
  const asked = { revision: 2 }
  const left = { ...asked, network: null }
  const wider = { ...asked, network: { allow: [{ cidr: '198.51.100.0/24' }] } }
  expect((await one.send('POST', at, { body: asked })).body).toMatchObject({ waiting_for: 1 })
  expect((await two.send('POST', at, { body: left })).body).toMatchObject({ waiting_for: 1 })
  expect((await one.send('POST', at, { body: wider })).body).toMatchObject({ waiting_for: 1 })
  const done = await two.send('POST', at, { body: wider })
  expect(done.body).toMatchObject({ waiting_for: 0 })
  const { client_id: clientId } = done.body['request'] as { client_id: string }
  const made = await adminSender(server.adminSocket)('GET', `/clients/${clientId}`)
  expect(made.body).toMatchObject({ network: { allow: [{ cidr: '198.51.100.0/24' }] } })
})

test('four eyes: an amendment forgets the first approval; nobody approves a request of his own', async () => {
  await start({ approvals: 2 })
  const [one, two] = [await administrator(server, 'requests.write'), await administrator(server, 'requests.write')]
  const request = await confirmed(server)
  const at = `/requests/${request.id}/approve`
  await one.send('POST', at, { body: { revision: 2 } })
  await act(server, request, 'amend', { revision: 2, message: 'One more thing.' })
  expectProblem(await two.send('POST', at, { body: { revision: 2 } }), 409, 'revision.stale')
  expect((await two.send('POST', at, { body: { revision: 3 } })).body).toMatchObject({ waiting_for: 1 })

  const own = await confirmed(server, { client_id: one.clientId, contact_address: 'x@own.example' })
  const refused = await one.send('POST', `/requests/${own.id}/approve`, { body: { revision: 2 } })
  expectProblem(refused, 403, 'request.not_an_approver')
  await adminSender(server.adminSocket)('PATCH', `/clients/${two.clientId}`, {
    body: { contact_address: 'Me@Mine.example' },
  })
  const mine = await confirmed(server, { contact_address: 'me@mine.example' })
  const again = await two.send('POST', `/requests/${mine.id}/approve`, { body: { revision: 2 } })
  expectProblem(again, 403, 'request.not_an_approver')
})

test('a request and its keys survive a restart', async () => {
  await start({})
  const answer = await submit(server)
  const request = await mailedLink(server, String(answer.json()['id']))
  server = await server.restart()
  expect((await act(server, request, 'confirm')).json()).toMatchObject({ state: 'submitted' })
})

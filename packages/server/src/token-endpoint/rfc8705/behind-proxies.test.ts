import { createHash, X509Certificate } from 'node:crypto'
import { Agent, request } from 'node:http'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adminSender, type SendAdmin } from '../../admin-api/testing/admin-request.ts'
import {
  identityOf,
  makeTestCertificate,
  makeTestCsr,
  makeTestKey,
  pemOf,
  usualExtensions,
  x509,
  type TestIdentity,
} from '../../testing/certificates.ts'
import { createClientOver, issueTo, postMtls, startMtlsServer, type IssuedIdentity } from '../../testing/mtls-server.ts'
import { send, type Answer, type TestServer } from '../../testing/start-test-server.ts'

/* RFC 8705 with certificates that a proxy hands on. Who comes from 127.0.0.N is the proxy of an entry, or nobody. */

const headers = {
  'client-cert': '127.0.0.2',
  'x-ssl-client-cert': '127.0.0.3',
  'x-ssl-client-der': '127.0.0.4',
} as const
type Header = keyof typeof headers
const names = Object.keys(headers) as Header[]
const withoutCertificates = '127.0.0.5'
const nobody = '127.0.0.9'
const client = '198.51.100.1'

let server: TestServer
let admin: SendAdmin

beforeAll(async () => {
  server = await startMtlsServer({
    proxies: [
      ...names.map((name) => ({
        networks: [headers[name]],
        addressHeader: 'x-forwarded-for' as const,
        certificateHeader: name,
      })),
      { networks: [withoutCertificates], addressHeader: 'x-real-ip' },
    ],
  })
  admin = adminSender(server.adminSocket)
  await server.registerApi('configurations', ['read'])
})
afterAll(() => server.dispose())

function spell(header: Header, { cert }: TestIdentity): string {
  const certificate = new X509Certificate(cert)
  const base64 = certificate.raw.toString('base64')
  const written = {
    'client-cert': `:${base64}:`,
    'x-ssl-client-cert': encodeURIComponent(certificate.toString()),
    'x-ssl-client-der': base64,
  }
  return written[header]
}

interface Sent {
  readonly from: string
  readonly lines?: readonly string[]
  readonly agent?: Agent
}

/** POSTs to the public listener, from one of this machine's loopback addresses, with exactly these header lines. */
function post(path: string, body: string, { from, lines = [], agent }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { host } = new URL(server.publicUrl)
    const form = [
      'Host',
      host,
      'Content-Type',
      'application/x-www-form-urlencoded',
      'Content-Length',
      String(body.length),
    ]
    const outgoing = request(server.publicUrl + path, {
      method: 'POST',
      localAddress: from,
      agent: agent ?? false,
      headers: [...form, 'X-Forwarded-For', client, 'X-Real-IP', client, ...lines],
    })
    outgoing.on('response', (incoming) => {
      let text = ''
      incoming.on('data', (chunk: Buffer) => (text += chunk.toString()))
      incoming.on('end', () => {
        const { statusCode: status = 0, headers: answered } = incoming
        resolve({ status, headers: answered, text, json: () => JSON.parse(text) as never })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

interface Credentials {
  readonly clientId: string
  readonly clientSecret?: string
}

function token({ clientId, clientSecret }: Credentials, sent: Sent): Promise<Answer> {
  const secret = clientSecret ? `&client_secret=${clientSecret}` : ''
  return post('/oauth2/token', `grant_type=client_credentials&client_id=${clientId}${secret}`, sent)
}

/** Status, and for a refusal the precise reason, which stands in the audit log alone. */
async function outcome(answer: Answer): Promise<unknown[]> {
  if (answer.status === 200) return [200, decodeJwt(answer.json<{ access_token: string }>().access_token)['cnf']]
  expect(answer.json()).toMatchObject({ error: 'invalid_client' })
  const { items } = await server.services.audit.list({ limit: 1, event: 'token.denied' })
  return [answer.status, items[0]?.details['reason']]
}

const bound = ({ cert }: TestIdentity) => ({
  'x5t#S256': createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url'),
})
const missing = [401, 'authentication.none']

describe.each(names)('%s', (header) => {
  const from = headers[header]
  let issued: Credentials & { readonly identity: IssuedIdentity }
  let another: IssuedIdentity
  beforeAll(async () => {
    const made = await createClientOver(admin, 'mtls')
    issued = { ...made, clientSecret: '', identity: await issueTo(admin, made.clientId) }
    another = await issueTo(admin, (await createClientOver(admin, 'mtls')).clientId)
  })

  test('an issued certificate gets a token that is bound to it; another client’s, a stranger’s, none do not', async () => {
    const bringing = (identity: TestIdentity): Sent => ({ from, lines: [header, spell(header, identity)] })
    expect(await outcome(await token(issued, bringing(issued.identity)))).toEqual([200, bound(issued.identity)])
    expect(await outcome(await token(issued, bringing(another)))).toEqual([
      401,
      'authentication.certificate_of_another_client',
    ])
    const key = await makeTestKey()
    const stranger = await identityOf(key, await makeTestCertificate(key))
    expect((await outcome(await token(issued, bringing(stranger))))[0]).toBe(401)
    expect(await outcome(await token(issued, { from }))).toEqual(missing)
    expect(await outcome(await token(issued, { from, lines: [header, ''] }))).toEqual(missing)
  })

  test('its address is the one in the header of the entry', async () => {
    await token(issued, { from })
    const { items } = await server.services.audit.list({ limit: 1, event: 'token.denied' })
    expect(items[0]?.details).toMatchObject({ address: client })
  })

  test('a registered key, and a secret with a certificate beside it', async () => {
    const own = await createClientOver(admin, 'self-signed-mtls')
    const key = await makeTestKey()
    const identity = await identityOf(key, await makeTestCertificate(key))
    const registered = await admin('POST', `/clients/${own.clientId}/registered-keys`, {
      body: { certificate: identity.cert },
    })
    expect(registered.status).toBe(201)
    const sent = { from, lines: [header, spell(header, identity)] }
    expect(await outcome(await token({ clientId: own.clientId }, sent))).toEqual([200, bound(identity)])
    expect(await outcome(await token({ clientId: own.clientId }, { from }))).toEqual(missing)

    const both = await createClientOver(admin, 'secret-and-certificate')
    const beside = await issueTo(admin, both.clientId)
    expect(await outcome(await token(both, { from, lines: [header, spell(header, beside)] }))).toEqual([
      200,
      bound(beside),
    ])
    expect(await outcome(await token(both, { from }))).toEqual([401, 'authentication.certificate_missing'])
    expect(
      (await outcome(await token({ clientId: both.clientId }, { from, lines: [header, spell(header, beside)] })))[0],
    ).toBe(401)
  })

  test('twice, malformed, in another way, or from anybody else, it says nothing', async () => {
    const value = spell(header, issued.identity)
    const others = names.filter((name) => name !== header)
    const der = new X509Certificate(issued.identity.cert).raw
    const longer = Buffer.concat([der, Buffer.from([0])]).toString('base64')
    const sent: readonly Sent[] = [
      { from, lines: [header, value, header, value] },
      { from, lines: [header, value, header.toUpperCase(), spell(header, another)] },
      { from, lines: [header, `${value}, ${value}`] },
      { from, lines: [header, value.slice(0, -8)] },
      { from, lines: [header, header === 'client-cert' ? `:${longer}:` : longer] },
      { from, lines: [header.replaceAll('-', '_'), value] },
      { from, lines: [`x-${header}`, value] },
      ...others.map((name) => ({ from, lines: [name, spell(name, issued.identity)] })),
      ...others.map((name) => ({ from: headers[name], lines: [header, value] })),
      { from: withoutCertificates, lines: [header, value] },
      { from: nobody, lines: [header, value] },
    ]
    for (const each of sent) {
      expect([each.from, each.lines?.[0], ...(await outcome(await token(issued, each)))]).toEqual([
        each.from,
        each.lines?.[0],
        ...missing,
      ])
    }
  })
})

describe('a certificate of another authority', () => {
  const day = 86_400_000
  const authority = [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
  ]
  const name = new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'billing.acme.example' }])

  async function registered(anchor: string): Promise<string> {
    const { clientId } = await createClientOver(admin, 'mtls')
    const body = { san_dns: 'billing.acme.example', anchor }
    expect((await admin('POST', `/clients/${clientId}/registered-subjects`, { body })).status).toBe(201)
    return clientId
  }

  test('counts with what was registered alone: a proxy hands on no intermediates', async () => {
    const notAfter = server.clock.now() + 30 * day
    const [rootKey, middleKey, leafKey] = [await makeTestKey(), await makeTestKey(), await makeTestKey()]
    const root = await makeTestCertificate(rootKey, {
      subject: [{ CN: ['Acme root'] }],
      extensions: authority,
      notAfter,
    })
    const issuer = { key: rootKey, certificate: root }
    const middle = await makeTestCertificate(middleKey, {
      subject: [{ CN: ['Acme clients'] }],
      extensions: authority,
      notAfter,
      issuer,
    })
    const leaf = await makeTestCertificate(leafKey, {
      extensions: [...usualExtensions(), name],
      notAfter,
      issuer: { key: middleKey, certificate: middle },
    })
    const identity = await identityOf(leafKey, leaf)
    const sent = { from: headers['client-cert'], lines: ['Client-Cert', spell('client-cert', identity)] }
    const ask = async (clientId: string) => outcome(await token({ clientId }, sent))
    expect(await ask(await registered(pemOf(root) + pemOf(middle)))).toEqual([200, bound(identity)])
    expect(await ask(await registered(pemOf(middle)))).toEqual([200, bound(identity)])
    expect((await ask(await registered(pemOf(root))))[0]).toBe(401)
  })
})

describe('one connection of a proxy', () => {
  test('carries many callers, each with its own certificate, and none with that of the one before', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const from = headers['client-cert']
    const [one, two] = await Promise.all([createClientOver(admin, 'mtls'), createClientOver(admin, 'mtls')])
    const [first, second] = [await issueTo(admin, one.clientId), await issueTo(admin, two.clientId)]
    const ask = async ({ clientId }: Credentials, identity?: TestIdentity) =>
      outcome(
        await token(
          { clientId },
          { from, agent, lines: identity ? ['Client-Cert', spell('client-cert', identity)] : [] },
        ),
      )
    expect(await ask(one, first)).toEqual([200, bound(first)])
    expect(await ask(two, second)).toEqual([200, bound(second)])
    expect(await ask(one)).toEqual(missing)
    expect(await ask(one, second)).toEqual([401, 'authentication.certificate_of_another_client'])
    expect(await ask(one, first)).toEqual([200, bound(first)])

    expect(
      (await admin('POST', `/certificates/${first.serial}/revoke`, { body: { reason: 'superseded' } })).status,
    ).toBeLessThan(300)
    expect(await ask(one, first)).toEqual([401, 'authentication.certificate_revoked'])
    expect(await ask(two, second)).toEqual([200, bound(second)])
    agent.destroy()
  })
})

describe('the proxy’s own certificate', () => {
  test('is nobody’s, whether or not its entry names a header', async () => {
    const { clientId } = await createClientOver(admin, 'mtls')
    const identity = await issueTo(admin, clientId)
    const form = { grant_type: 'client_credentials', client_id: clientId }
    for (const localAddress of ['127.0.0.2', withoutCertificates]) {
      expect(await outcome(await postMtls(server, '/oauth2/token', form, { identity, localAddress }))).toEqual(missing)
    }
    expect(await outcome(await postMtls(server, '/oauth2/token', form, { identity, localAddress: nobody }))).toEqual([
      200,
      bound(identity),
    ])
    const lines = { 'Client-Cert': spell('client-cert', identity), 'X-Forwarded-For': client }
    const asProxy = { localAddress: '127.0.0.2', headers: lines }
    expect(await outcome(await postMtls(server, '/oauth2/token', form, asProxy))).toEqual([200, bound(identity)])
  })
})

describe('the other endpoints', () => {
  test('/ca/renew is on the public listener too, for who comes through such a proxy', async () => {
    const { clientId } = await createClientOver(admin, 'mtls')
    const identity = await issueTo(admin, clientId, 3600)
    // In the last third of its life.
    server.clock.advance(50 * 60_000)
    const csr = await makeTestCsr(await makeTestKey())
    const lines = ['X-SSL-Client-DER', spell('x-ssl-client-der', identity)]
    const answer = await post('/ca/renew', csr, { from: headers['x-ssl-client-der'], lines })
    expect([answer.status, answer.headers['content-type']]).toEqual([201, 'application/pem-certificate-chain'])
    expect((await post('/ca/renew', csr, { from: headers['x-ssl-client-der'] })).status).toBe(401)
    expect((await post('/ca/renew', csr, { from: nobody, lines })).status).toBe(401)
  })

  test('introspection and revocation take it as the token endpoint does', async () => {
    const { clientId } = await createClientOver(admin, 'mtls')
    const identity = await issueTo(admin, clientId)
    const sent = { from: headers['client-cert'], lines: ['Client-Cert', spell('client-cert', identity)] }
    const { access_token } = (await token({ clientId }, sent)).json<{ access_token: string }>()
    const body = `client_id=${clientId}&token=${access_token}`
    expect((await post('/oauth2/introspect', body, sent)).json()).toMatchObject({ active: true, cnf: bound(identity) })
    expect((await post('/oauth2/introspect', body, { ...sent, from: nobody })).status).toBe(401)
    expect((await post('/oauth2/revoke', body, { from: sent.from })).status).toBe(401)
    expect((await post('/oauth2/revoke', body, sent)).status).toBe(200)
    expect((await post('/oauth2/introspect', body, sent)).json()).toEqual({ active: false })
  })
})

test('the doctor tells of a proxy near that is not set up as it was meant to be', async () => {
  const finding = async (sent: Sent): Promise<unknown> => {
    await token({ clientId: 'nobody' }, sent)
    const { body } = await admin('GET', '/doctor')
    return (body['findings'] as { check: string }[]).find(({ check }) => check === 'proxies')
  }
  const says = (message: RegExp) => ({ status: 'warning', message: expect.stringMatching(message) as string })
  const lines = ['X-SSL-Client-DER', 'nonsense']
  expect(await finding({ from: nobody, lines })).toMatchObject(says(/127\.0\.0\.9, which is no trusted proxy/))
  expect(await finding({ from: '127.0.0.4', lines })).toMatchObject(says(/127\.0\.0\.4 does not say x-ssl-client-der/))
  expect(await finding({ from: '127.0.0.3', lines })).toMatchObject(
    says(/127\.0\.0\.3 hands on x-ssl-client-der, which/),
  )
})

describe('metadata (§5)', () => {
  test('names the proxy’s URL without a listener of its own; without proxies that hand on certificates there is neither', async () => {
    const handsOn = { networks: ['127.0.0.2'], addressHeader: 'x-real-ip', certificateHeader: 'client-cert' } as const
    const behind = await startMtlsServer({
      mtls: { url: 'https://mtls.example.com', listener: undefined },
      proxies: [handsOn],
    })
    const metadata = (await send(`${behind.issuer}/.well-known/oauth-authorization-server`)).json()
    expect(metadata).toMatchObject({
      mtls_endpoint_aliases: { token_endpoint: 'https://mtls.example.com/oauth2/token' },
      tls_client_certificate_bound_access_tokens: true,
    })
    expect(metadata['token_endpoint_auth_methods_supported']).toContain('tls_client_auth')
    expect(behind.mtlsTokenEndpoint).toBe('https://mtls.example.com/oauth2/token')
    await behind.dispose()

    const plain = await startMtlsServer({ mtls: undefined })
    const without = (await send(`${plain.issuer}/.well-known/oauth-authorization-server`)).json()
    expect(without['mtls_endpoint_aliases']).toBeUndefined()
    expect((await send(`${plain.issuer}/ca/renew`, { method: 'POST', body: 'x' })).status).toBe(404)
    await plain.dispose()
  })
})

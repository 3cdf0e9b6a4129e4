import { createHash, X509Certificate } from 'node:crypto'
import { Agent } from 'node:https'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adminSender, type SendAdmin } from '../../admin-api/testing/admin-request.ts'
import { identityOf, makeTestCertificate, makeTestKey, type TestIdentity } from '../../testing/certificates.ts'
import { createClientOver, issueTo, postMtls, startMtlsServer, type MtlsAnswer } from '../../testing/mtls-server.ts'
import { postForm, send, type Answer, type TestServer } from '../../testing/start-test-server.ts'

/* RFC 8705 over real connections: every accepted case beside those that are refused. */

let server: TestServer
let admin: SendAdmin

beforeAll(async () => {
  server = await startMtlsServer()
  admin = adminSender(server.adminSocket)
  await server.registerApi('configurations', ['read'])
})
afterAll(() => server.dispose())

interface Credentials {
  readonly clientId: string
  readonly clientSecret?: string
}

function token({ clientId, clientSecret }: Credentials, identity?: TestIdentity, agent?: Agent): Promise<MtlsAnswer> {
  const form = {
    grant_type: 'client_credentials',
    client_id: clientId,
    ...(clientSecret ? { client_secret: clientSecret } : {}),
  }
  return postMtls(server, '/oauth2/token', form, { identity, ...(agent && { agent }) })
}

/** The precise reason of the refusal, which stands in the audit log alone; fails where the caller was told more than anybody is. */
async function refusalOf(answer: Answer): Promise<unknown> {
  expect({ status: answer.status, body: answer.json() }).toEqual({
    status: 401,
    body: { error: 'invalid_client', error_description: 'client authentication failed' },
  })
  return lastReason()
}

async function lastReason(): Promise<unknown> {
  const { items } = await server.services.audit.list({ limit: 1, event: 'token.denied' })
  return items[0]?.details['reason']
}

function thumbprintOf({ cert }: TestIdentity): string {
  return createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url')
}

async function selfSigned(): Promise<TestIdentity> {
  const key = await makeTestKey()
  return identityOf(key, await makeTestCertificate(key))
}

async function register(clientId: string, { cert }: TestIdentity): Promise<string> {
  const answer = await admin('POST', `/clients/${clientId}/registered-keys`, { body: { certificate: cert } })
  expect(answer.status).toBe(201)
  return String(answer.body['id'])
}

describe('tls_client_auth: a certificate that was issued to the client (§2.1)', () => {
  let client: Credentials
  let identity: TestIdentity & { readonly serial: string }
  beforeAll(async () => {
    client = await createClientOver(admin, 'mtls')
    identity = await issueTo(admin, client.clientId)
  })

  test('gets a token that is bound to it (§3.1), without a secret', async () => {
    const answer = await token(client, identity)
    expect(answer.status).toBe(200)
    const { access_token } = answer.json<{ access_token: string }>()
    expect(decodeJwt(access_token)['cnf']).toEqual({ 'x5t#S256': thumbprintOf(identity) })
  })

  test('is asked for at this listener alone, and a certificate in a header is none', async () => {
    const form = { grant_type: 'client_credentials', client_id: client.clientId }
    const plain = await postForm(server.tokenEndpoint, form, {
      'Client-Cert': `:${new X509Certificate(identity.cert).raw.toString('base64')}:`,
      'X-SSL-Client-Cert': encodeURIComponent(identity.cert),
    })
    expect(await refusalOf(plain)).toBe('authentication.none')
  })

  test('nothing: refused', async () => {
    expect(await refusalOf(await token(client))).toBe('authentication.none')
  })

  test('another client’s certificate: refused', async () => {
    const other = await createClientOver(admin, 'mtls')
    expect(await refusalOf(await token(client, await issueTo(admin, other.clientId)))).toBe(
      'authentication.certificate_of_another_client',
    )
    // The other one is fine with its own.
    expect((await token(other, await issueTo(admin, other.clientId))).status).toBe(200)
  })

  test('a self-signed certificate with the right names, serial and subject: refused', async () => {
    const key = await makeTestKey()
    const real = new X509Certificate(identity.cert)
    const forged = await makeTestCertificate(key, {
      serialNumber: real.serialNumber,
      subject: [{ CN: [client.clientId] }],
    })
    expect(await refusalOf(await token(client, await identityOf(key, forged)))).toBe(
      'authentication.certificate_unknown',
    )
  })

  test('its certificate with a secret that is not its own: refused, and with somebody else’s too', async () => {
    const other = await createClientOver(admin, 'secret')
    const answer = await token({ clientId: client.clientId, clientSecret: other.clientSecret ?? '' }, identity)
    expect(await refusalOf(answer)).toBe('authentication.secret_unknown')
  })

  test('an unknown client with a good certificate: refused like the others', async () => {
    expect(await refusalOf(await token({ clientId: 'nobody' }, identity))).toBe('authentication.client_unknown')
  })

  test('a disabled client: refused', async () => {
    const disabled = await createClientOver(admin, 'mtls')
    const own = await issueTo(admin, disabled.clientId)
    expect((await token(disabled, own)).status).toBe(200)
    await admin('POST', `/clients/${disabled.clientId}/disable`, { body: {} })
    expect(await refusalOf(await token(disabled, own))).toBe('authentication.client_disabled')
  })

  test('no secret is made for it, and none can be; its delivery link brings a certificate', async () => {
    const made = await admin('POST', '/clients', {
      body: { name: 'x', scopes: ['configurations/read'], authentication: 'mtls' },
    })
    expect(made.status).toBe(201)
    expect(made.body).not.toHaveProperty('client_secret')
    expect(made.body).toHaveProperty('delivery_link')
    const path = `/clients/${String(made.body['client_id'])}`
    for (const refused of [
      await admin('POST', `${path}/secrets`, { body: {} }),
      await admin('POST', `${path}/links`, { body: { secret_name: 'next' } }),
      await admin('POST', '/clients', {
        body: { name: 'x', scopes: ['configurations/read'], authentication: 'mtls', show_secret: true },
      }),
    ]) {
      expect({ status: refused.status, reason: refused.body['reason'] }).toEqual({
        status: 422,
        reason: 'client.takes_no_secret',
      })
    }
  })
})

describe('self_signed_tls_client_auth: a key that was registered (§2.2)', () => {
  test('any certificate with that key is taken; another with every name the same is not', async () => {
    const client = await createClientOver(admin, 'self-signed-mtls')
    const key = await makeTestKey()
    const first = await identityOf(key, await makeTestCertificate(key))
    await register(client.clientId, first)
    const answer = await token(client, first)
    expect(answer.status).toBe(200)
    const renewed = await identityOf(key, await makeTestCertificate(key, { serialNumber: '1234' }))
    const again = await token(client, renewed)
    expect(decodeJwt(again.json<{ access_token: string }>().access_token)['cnf']).toEqual({
      'x5t#S256': thumbprintOf(renewed),
    })
    expect(await refusalOf(await token(client, await selfSigned()))).toBe('authentication.certificate_unknown')
  })

  test('no token outlives the certificate', async () => {
    const client = await createClientOver(admin, 'self-signed-mtls')
    const key = await makeTestKey()
    const brief = await makeTestCertificate(key, { notAfter: server.clock.now() + 600_000 })
    const identity = await identityOf(key, brief)
    await register(client.clientId, identity)
    const { expires_in } = (await token(client, identity)).json<{ expires_in: number }>()
    expect(expires_in).toBeGreaterThan(500)
    expect(expires_in).toBeLessThanOrEqual(600)
  })

  test('once the registration is ended, it is refused', async () => {
    const client = await createClientOver(admin, 'self-signed-mtls')
    const identity = await selfSigned()
    const id = await register(client.clientId, identity)
    expect((await token(client, identity)).status).toBe(200)
    expect((await admin('POST', `/registered-keys/${id}/revoke`, {})).body).toMatchObject({ id, state: 'revoked' })
    expect(await refusalOf(await token(client, identity))).toBe('authentication.certificate_revoked')
    const shown = await admin('GET', `/clients/${client.clientId}`)
    expect(shown.body['registered_keys']).toMatchObject([{ id, state: 'revoked' }])
  })

  test('a key of the issuing kind does not get in by this way, nor this one by that', async () => {
    const bySelf = await createClientOver(admin, 'self-signed-mtls')
    const byIssued = await createClientOver(admin, 'mtls')
    expect(await refusalOf(await token(bySelf, await issueTo(admin, bySelf.clientId)))).toBe(
      'authentication.certificate_of_another_client',
    )
    const refused = await admin('POST', `/clients/${byIssued.clientId}/registered-keys`, {
      body: { certificate: (await selfSigned()).cert },
    })
    expect({ status: refused.status, reason: refused.body['reason'] }).toEqual({
      status: 422,
      reason: 'client.takes_no_own_certificate',
    })
  })

  test.each([
    ['a private key beside it', async () => (await selfSigned()).key + (await selfSigned()).cert],
    ['two certificates', async () => (await selfSigned()).cert + (await selfSigned()).cert],
    ['no certificate', () => Promise.resolve('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')],
    ['some text', () => Promise.resolve('hello')],
    [
      'a weak key',
      async () => {
        const weak = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) }
        const key = await makeTestKey({ ...weak, hash: 'SHA-256' })
        return (await identityOf(key, await makeTestCertificate(key))).cert
      },
    ],
    [
      'one that has expired',
      async () => {
        const key = await makeTestKey()
        const ended = await makeTestCertificate(key, { notBefore: Date.now() - 2e9, notAfter: Date.now() - 1e9 })
        return (await identityOf(key, ended)).cert
      },
    ],
  ])('%s cannot be registered', async (_what, make) => {
    const client = await createClientOver(admin, 'self-signed-mtls')
    const refused = await admin('POST', `/clients/${client.clientId}/registered-keys`, {
      body: { certificate: await make() },
    })
    expect({ status: refused.status, reason: refused.body['reason'] }).toEqual({
      status: 422,
      reason: 'certificate.unsuitable',
    })
    expect(refused.text).not.toContain('PRIVATE KEY-----\\n')
  })
})

describe('a certificate beside the secret', () => {
  let client: Credentials
  let identity: TestIdentity & { readonly serial: string }
  beforeAll(async () => {
    client = await createClientOver(admin, 'secret-and-certificate')
    identity = await issueTo(admin, client.clientId)
  })

  test('both: a bound token that names both credentials', async () => {
    const answer = await token(client, identity)
    expect(answer.status).toBe(200)
    const claims = decodeJwt(answer.json<{ access_token: string }>().access_token)
    expect(claims['cnf']).toEqual({ 'x5t#S256': thumbprintOf(identity) })
    expect(Object.keys(claims['lk_credentials'] as object)).toHaveLength(2)
  })

  test('HTTP Basic does as well', async () => {
    const { clientId, clientSecret = '' } = client
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
    const form = { grant_type: 'client_credentials' }
    const answer = await postMtls(server, '/oauth2/token', form, {
      identity,
      headers: { Authorization: `Basic ${basic}` },
    })
    expect(answer.status).toBe(200)
  })

  test('the secret alone, here or at the other listener: refused', async () => {
    expect(await refusalOf(await token(client))).toBe('authentication.certificate_missing')
    const { clientId, clientSecret = '' } = client
    const plain = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }
    expect(await refusalOf(await postForm(server.tokenEndpoint, plain))).toBe('authentication.certificate_missing')
  })

  test('the certificate alone: refused', async () => {
    expect(await refusalOf(await token({ clientId: client.clientId }, identity))).toBe(
      'authentication.method_not_registered',
    )
  })

  test('a wrong secret with the right certificate: refused', async () => {
    const clientSecret = `${client.clientSecret?.slice(0, -8)}`
    expect(await refusalOf(await token({ clientId: client.clientId, clientSecret }, identity))).toBe(
      'authentication.secret_malformed',
    )
  })

  test('a registered key of its own is taken as well; a stranger’s certificate is not', async () => {
    const own = await selfSigned()
    await register(client.clientId, own)
    expect((await token(client, own)).status).toBe(200)
    expect(await refusalOf(await token(client, await selfSigned()))).toBe('authentication.certificate_unknown')
  })

  test('to require one ends the tokens that were got without; introspection (§3.2) and revocation ask for it too', async () => {
    const plain = await createClientOver(admin, 'secret')
    const before = (await token(plain)).json<{ access_token: string }>().access_token
    const required = await admin('PATCH', `/clients/${plain.clientId}`, {
      body: { authentication: 'secret-and-certificate' },
    })
    expect(required.body).toMatchObject({ authentication: 'secret-and-certificate' })
    const own = await issueTo(admin, plain.clientId)
    const form = { client_id: plain.clientId, client_secret: plain.clientSecret ?? '', token: before }
    expect((await postMtls(server, '/oauth2/introspect', form, { identity: own })).json()).toEqual({ active: false })
    expect((await postMtls(server, '/oauth2/introspect', form)).status).toBe(401)
    expect((await postMtls(server, '/oauth2/revoke', form)).status).toBe(401)
    expect((await postForm(`${server.issuer}/oauth2/introspect`, form)).status).toBe(401)
    // That it is not required any more takes nothing away.
    const bound = (await token(plain, own)).json<{ access_token: string }>().access_token
    await admin('PATCH', `/clients/${plain.clientId}`, { body: { authentication: 'secret' } })
    const asked = { ...form, token: bound }
    const shown = (await postForm(`${server.issuer}/oauth2/introspect`, asked)).json()
    expect(shown).toMatchObject({ active: true, cnf: { 'x5t#S256': thumbprintOf(own) } })
  })

  test('`token get` makes none that would not be bound', async () => {
    const answer = await admin('POST', '/tokens/get', { body: { client_id: client.clientId } })
    expect(answer.status).toBe(422)
    expect(answer.text).toContain('client.certificate_required')
    const preview = await admin('POST', `/clients/${client.clientId}/test`, { body: {} })
    expect(preview.body).toMatchObject({ granted: true })
    const without = await createClientOver(admin, 'secret-and-certificate')
    const none = await admin('POST', `/clients/${without.clientId}/test`, { body: {} })
    expect(none.body).toMatchObject({ granted: false, reason: 'client.no_credential_in_force' })
  })
})

test('a client with a secret is served here with and without a certificate, which binds nothing', async () => {
  const client = await createClientOver(admin, 'secret')
  for (const identity of [undefined, await selfSigned(), await issueTo(admin, client.clientId)]) {
    const answer = await token(client, identity)
    expect(answer.status).toBe(200)
    expect(decodeJwt(answer.json<{ access_token: string }>().access_token)).not.toHaveProperty('cnf')
  }
  // By its certificate alone it is refused: nobody has said that this is enough.
  const own = await issueTo(admin, client.clientId)
  expect(await refusalOf(await token({ clientId: client.clientId }, own))).toBe('authentication.method_not_registered')
})

describe('what ends is refused from the next request on', () => {
  test('on a connection that is kept alive, and on one that is resumed', async () => {
    const client = await createClientOver(admin, 'mtls')
    const identity = await issueTo(admin, client.clientId)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    expect((await token(client, identity, agent)).status).toBe(200)
    // Sessions, no connections: the second request resumes what the first one began.
    const resuming = new Agent({ keepAlive: false, maxCachedSessions: 10 })
    expect((await token(client, identity, resuming)).isResumed).toBe(false)
    const taken = await token(client, identity, resuming)
    expect({ status: taken.status, isResumed: taken.isResumed }).toEqual({ status: 200, isResumed: true })
    const before = (await token(client, identity, agent)).json<{ access_token: string }>().access_token
    expect((await admin('POST', `/certificates/${identity.serial}/revoke`, { body: {} })).status).toBe(200)
    expect(await refusalOf(await token(client, identity, agent))).toBe('authentication.certificate_revoked')
    agent.destroy()
    const resumed = await token(client, identity, resuming)
    expect(resumed.isResumed).toBe(true)
    expect(await refusalOf(resumed)).toBe('authentication.certificate_revoked')
    resuming.destroy()
    // And the tokens that it got.
    const inspected = await admin('POST', '/tokens/inspect', { body: { token: before } })
    expect(inspected.body).toMatchObject({ active: false, reason: 'token.credential_ended' })
  })

  test('after a restart', async () => {
    const client = await createClientOver(admin, 'mtls')
    const revoked = await issueTo(admin, client.clientId)
    const kept = await issueTo(admin, client.clientId)
    await admin('POST', `/certificates/${revoked.serial}/revoke`, { body: {} })
    server = await server.restart()
    admin = adminSender(server.adminSocket)
    expect((await token(client, kept)).status).toBe(200)
    expect(await refusalOf(await token(client, revoked))).toBe('authentication.certificate_revoked')
  })

  test('at its end, and its tokens with it', async () => {
    const client = await createClientOver(admin, 'mtls')
    const identity = await issueTo(admin, client.clientId, 3600)
    server.clock.advance(1_800_000)
    const { expires_in } = (await token(client, identity)).json<{ expires_in: number }>()
    expect(expires_in).toBeLessThanOrEqual(1800)
    server.clock.advance(1_800_000)
    expect(await refusalOf(await token(client, identity))).toBe('authentication.certificate_expired')
  })
})

test('metadata names the listener and what is taken there (§3.3, §5)', async () => {
  const metadata = (await send(`${server.issuer}/.well-known/oauth-authorization-server`)).json()
  const base = new URL(server.mtlsTokenEndpoint ?? '').origin
  expect(metadata).toMatchObject({
    mtls_endpoint_aliases: {
      token_endpoint: `${base}/oauth2/token`,
      introspection_endpoint: `${base}/oauth2/introspect`,
      revocation_endpoint: `${base}/oauth2/revoke`,
    },
    tls_client_certificate_bound_access_tokens: true,
    token_endpoint_auth_methods_supported: [
      'client_secret_basic',
      'client_secret_post',
      'tls_client_auth',
      'self_signed_tls_client_auth',
    ],
  })
})

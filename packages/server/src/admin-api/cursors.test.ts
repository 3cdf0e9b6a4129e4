import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start-test-server.ts'
import { adminSender, expectProblem, type AdminAnswer, type SendAdmin } from './testing/admin-request.ts'
import { administrator } from './testing/administrators.ts'

let server: TestServer
let local: SendAdmin

/** Every list that is paged, with a filter where it has one. */
const lists: [string, string][] = [
  ['/clients', ''],
  ['/clients', '&state=enabled'],
  ['/clients', '&scope=a%2Fread&state=enabled'],
  ['/resource-servers', ''],
  ['/audit/events', ''],
  ['/audit/events', '&event=client.created'],
]

beforeAll(async () => {
  server = await startTestServer()
  local = adminSender(server.adminSocket)
  for (const name of ['a', 'b', 'c', 'd']) await server.registerApi(name, ['read'])
  for (let i = 0; i < 5; i++) await server.registerClient(['a/read'])
})

afterAll(async () => {
  await server.dispose()
})

describe.each(lists)('the cursor of %s?limit=2%s', (path, filter) => {
  const first = (): Promise<AdminAnswer> => local('GET', `${path}?limit=2${filter}`)
  const next = (cursor: string, more = filter) =>
    local('GET', `${path}?limit=2${more}&cursor=${encodeURIComponent(cursor)}`)

  it('goes on where the page ended, until there is no more, and nothing comes twice', async () => {
    const whole = (await local('GET', `${path}?limit=1000${filter}`)).body['items'] as unknown[]
    const seen: unknown[] = []
    let page = await first()
    for (;;) {
      seen.push(...(page.body['items'] as unknown[]))
      if (page.body['next_cursor'] === undefined) break
      page = await next(cursorOf(page))
      expect(page.status).toBe(200)
    }
    expect(seen).toEqual(whole)
    expect(seen.length).toBeGreaterThan(3)
  })

  it('is refused when a single character is changed, added or taken', async () => {
    expect.hasAssertions()
    const cursor = cursorOf(await first())
    const changed = Array.from(cursor, (character, i) => {
      return cursor.slice(0, i) + (character === 'A' ? 'B' : 'A') + cursor.slice(i + 1)
    })
    for (const forged of [
      ...changed,
      `${cursor}A`,
      `A${cursor}`,
      cursor.slice(1),
      cursor.slice(0, -1),
      `${cursor}.`,
      '.',
    ]) {
      expectRefused(await next(forged))
    }
  })

  it('is refused by another list, and with another filter, than the one that gave it', async () => {
    expect.hasAssertions()
    const cursor = cursorOf(await first())
    for (const [other, otherFilter] of lists) {
      if (other === path && otherFilter === filter) continue
      expectRefused(await local('GET', `${other}?limit=2${otherFilter}&cursor=${encodeURIComponent(cursor)}`))
    }
  })

  it('takes another limit: that is no filter', async () => {
    const cursor = cursorOf(await first())
    expect((await local('GET', `${path}?limit=1${filter}&cursor=${encodeURIComponent(cursor)}`)).status).toBe(200)
  })

  it('is refused in the plain form that the store works with', async () => {
    expect.hasAssertions()
    const [body = ''] = cursorOf(await first()).split('.')
    for (const plain of [body, Buffer.from(body, 'base64url').toString()]) expectRefused(await next(plain))
  })

  it('is of one installation: another one does not take it', async () => {
    expect.hasAssertions()
    const cursor = cursorOf(await first())
    const other = await startTestServer()
    try {
      const send = adminSender(other.adminSocket)
      expectRefused(await send('GET', `${path}?limit=2${filter}&cursor=${encodeURIComponent(cursor)}`))
    } finally {
      await other.dispose()
    }
  })

  it('is taken on the socket and over the network, and after a restart', async () => {
    const cursor = cursorOf(await first())
    const { send } = await administrator(server, 'clients.read', 'resource-servers.read', 'audit.read')
    const url = `${path}?limit=2${filter}&cursor=${encodeURIComponent(cursor)}`
    const there = await send('GET', url)
    server = await server.restart()
    local = adminSender(server.adminSocket)
    expect((await local('GET', url)).body['items']).toEqual(there.body['items'])
  })
})

function cursorOf(answer: AdminAnswer): string {
  const cursor = answer.body['next_cursor']
  if (typeof cursor !== 'string') throw new Error(`no cursor: ${answer.text}`)
  return cursor
}

function expectRefused(answer: AdminAnswer): void {
  expectProblem(answer, 400, 'request.invalid')
  expect(answer.body).toMatchObject({ field: 'cursor', errors: [{ in: 'query', field: 'cursor' }] })
}

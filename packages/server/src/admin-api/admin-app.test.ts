import type { Problem } from '@latchkey/admin-contract'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Fault } from '../kernel/faults.ts'
import { createLogger } from '../kernel/log.ts'
import { startTestServer, type TestServer } from '../testing/start-test-server.ts'
import { createLocalAdminApp } from './admin-app.ts'
import { adminSender, expectProblem, type AdminRequestOptions, type SendAdmin } from './testing/admin-request.ts'

let server: TestServer
let send: SendAdmin
/** The same server, with some of what stands behind it broken. */
let broken: FastifyInstance
const log: string[] = []

beforeAll(async () => {
  server = await startTestServer()
  send = adminSender(server.adminSocket)
  const { services } = server
  broken = createLocalAdminApp(
    {
      ...services,
      doctor: () => Promise.reject(new Error('the inside: /etc/secret')),
      audit: {
        ...services.audit,
        verify: () => Promise.reject(new Fault('store.unavailable', 'the database does not answer', 'start it')),
      },
    },
    createLogger('info', { write: (line) => void log.push(line) }),
  )
})

afterAll(async () => {
  await broken.close()
  await server.dispose()
})

describe('requests that are refused before any decision', () => {
  const client = { name: 'x', scopes: ['a/b'] }
  const invalid: [string, string, string, unknown, string, string][] = [
    ['an unknown field', 'POST', '/clients', { ...client, admin: true }, 'body', 'admin'],
    ['an unknown field within', 'POST', '/resource-servers', api({ colour: 1 }), 'body', 'scopes.0.colour'],
    ['a missing field', 'POST', '/clients', { name: 'x' }, 'body', 'scopes'],
    ['no body', 'POST', '/clients', undefined, 'body', ''],
    ['a body that is a list', 'POST', '/clients', [], 'body', ''],
    ['a body that is null', 'POST', '/clients', null, 'body', ''],
    ['a wrong type', 'POST', '/clients', { ...client, name: 7 }, 'body', 'name'],
    ['a number as text', 'POST', '/clients', { ...client, token_ttl_seconds: '60' }, 'body', 'token_ttl_seconds'],
    ['a number too small', 'POST', '/clients', { ...client, token_ttl_seconds: 59 }, 'body', 'token_ttl_seconds'],
    ['a number too large', 'POST', '/clients', { ...client, token_ttl_seconds: 86_401 }, 'body', 'token_ttl_seconds'],
    ['a fraction', 'POST', '/clients', { ...client, token_ttl_seconds: 60.5 }, 'body', 'token_ttl_seconds'],
    ['a control character', 'POST', '/clients', { ...client, name: 'a\u001b[2J' }, 'body', 'name'],
    ['a direction override', 'POST', '/clients', { ...client, name: 'a\u202eb' }, 'body', 'name'],
    ['a name too long', 'POST', '/clients', { ...client, name: 'x'.repeat(121) }, 'body', 'name'],
    ['no scope', 'POST', '/clients', { ...client, scopes: [] }, 'body', 'scopes'],
    ['a scope without prefix', 'POST', '/clients', { ...client, scopes: ['read'] }, 'body', 'scopes.0'],
    ['too many scopes', 'POST', '/clients', { ...client, scopes: Array(201).fill('a/b') }, 'body', 'scopes'],
    ['a scope twice', 'POST', '/resource-servers', api({}, {}), 'body', 'scopes'],
    [
      'an audience with a fragment',
      'POST',
      '/resource-servers',
      { ...api({}), audience: 'urn:a#b' },
      'body',
      'audience',
    ],
    ['an id that is none', 'GET', '/clients/a_b', undefined, 'path', 'client_id'],
    ['an encoded slash in an id', 'GET', '/clients/a%2Fb', undefined, 'path', 'client_id'],
    ['an unknown parameter', 'GET', '/clients?colour=1', undefined, 'query', 'colour'],
    ['a parameter twice', 'GET', '/clients?limit=1&limit=2', undefined, 'query', 'limit'],
    ['a page of nothing', 'GET', '/clients?limit=0', undefined, 'query', 'limit'],
    ['a page too large', 'GET', '/clients?limit=1001', undefined, 'query', 'limit'],
    ['a truth value that is none', 'DELETE', '/resource-servers/a?force=yes', undefined, 'query', 'force'],
    ['a query where none is taken', 'GET', '/keys?x=1', undefined, 'query', ''],
    ['a query beside a body', 'POST', '/clients?dry_run=1', client, 'query', ''],
    ['a body where none is taken', 'DELETE', '/clients/abc', { force: true }, 'body', ''],
    ['an unknown field of an action', 'POST', '/clients/abc/disable', { reason: 'x' }, 'body', 'reason'],
    ['a moment beyond the year 9999', 'GET', '/audit/events?since=99999999999999', undefined, 'query', 'since'],
    ['a token too long', 'POST', '/tokens/inspect', { token: 'x'.repeat(16_385) }, 'body', 'token'],
  ]
  it.each(invalid)('%s → 400 request.invalid', async (_title, method, url, body, part, field) => {
    const answer = await send(method, url, body === undefined ? {} : { body })
    expectProblem(answer, 400, 'request.invalid')
    const [error] = (answer.body as unknown as Problem).errors ?? []
    expect(error).toMatchObject({ in: part, field })
    expect(answer.body['field']).toBe(field === '' ? undefined : field)
  })

  it('names every fault of a request, 20 at most', async () => {
    const answer = await send('POST', '/clients', { body: { name: '', token_ttl_seconds: 1, x: 1 } })
    const { errors } = answer.body as unknown as Problem
    expect(errors?.map((error) => error.field).toSorted()).toEqual(['name', 'scopes', 'token_ttl_seconds', 'x'])
    const many = await send('POST', '/clients', { body: { ...client, scopes: Array(100).fill('!') } })
    expect((many.body as unknown as Problem).errors).toHaveLength(20)
  })

  const json = { 'content-type': 'application/json' }
  const unreadable: [string, string, string, AdminRequestOptions, number, Problem['reason']][] = [
    ['malformed JSON', 'POST', '/clients', { raw: '{"name":', headers: json }, 400, 'request.malformed'],
    ['nothing where JSON is announced', 'POST', '/clients', { raw: '', headers: json }, 400, 'request.malformed'],
    ['a prototype', 'POST', '/clients', { raw: '{"__proto__":{"a":1}}', headers: json }, 400, 'request.malformed'],
    ['a broken escape in the path', 'GET', '/clients/%zz', {}, 400, 'request.malformed'],
    ['an endless id', 'GET', `/clients/${'a'.repeat(5000)}`, {}, 400, 'request.malformed'],
    [
      'a form',
      'POST',
      '/clients',
      { raw: 'a=b', headers: { 'content-type': 'text/plain' } },
      415,
      'request.unsupported_media_type',
    ],
    ['no media type', 'POST', '/clients', { raw: '{}' }, 415, 'request.unsupported_media_type'],
    ['a body over 256 KiB', 'POST', '/clients', { raw: 'x'.repeat(262_145), headers: json }, 413, 'request.too_large'],
    ['an unknown path', 'GET', '/nothing', {}, 404, 'route.unknown'],
    ['another method', 'PUT', '/clients', { raw: 'x' }, 405, 'route.method_not_allowed'],
    ['another method of the document', 'POST', '/openapi.json', {}, 405, 'route.method_not_allowed'],
  ]
  it.each(unreadable)('%s', async (_title, method, url, options, status, reason) => {
    expect.hasAssertions()
    expectProblem(await send(method, url, options), status, reason)
  })

  it('names the methods that a path takes', async () => {
    expect((await send('PUT', '/clients')).headers['allow']).toBe('POST, GET, HEAD')
    expect((await send('HEAD', '/clients')).status).toBe(200)
    const backup = await send('HEAD', '/backup')
    expect([backup.status, backup.headers['allow']]).toEqual([405, 'GET'])
  })

  it('says nothing of its inside, and logs it under the request id', async () => {
    const answer = await broken.inject({ url: '/admin/v1/doctor' })
    expect(answer.json<Problem>()).toMatchObject({ status: 500, reason: 'server.fault' })
    expect(answer.body).not.toContain('/etc/secret')
    expect(log.find((line) => line.includes('/etc/secret'))).toContain(String(answer.headers['x-request-id']))
  })

  it('answers 503 with Retry-After when the store is away', async () => {
    const answer = await broken.inject({ method: 'POST', url: '/admin/v1/audit/verify' })
    expect(answer.json<Problem>()).toMatchObject({ status: 503, reason: 'store.unavailable' })
    expect(answer.headers).toMatchObject({ 'retry-after': '5' })
  })

  it('ignores the request id of the caller', async () => {
    const answer = await send('GET', '/status', { headers: { 'x-request-id': 'mine', 'request-id': 'mine' } })
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-z]{26}$/)
  })
})

function api(...extras: object[]): object {
  return {
    name: 'x',
    audience: 'urn:x',
    scopes: extras.map((extra) => ({ name: 'read', description: '', ...extra })),
  }
}

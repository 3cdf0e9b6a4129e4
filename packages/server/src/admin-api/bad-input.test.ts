import { adminScopes, type FieldError, type Problem } from '@latchkey/admin-contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start-test-server.ts'
import {
  adminSender,
  expectDocument,
  expectProblem,
  type AdminAnswer,
  type AdminRequestOptions,
  type SendAdmin,
} from './testing/admin-request.ts'
import { administrator } from './testing/administrators.ts'
import { badBodies, contractOperations, pathToNothing, type ContractOperation } from './testing/bad-input.ts'

/*
 * Bad input to every operation that the contract has, on the socket and over the network. The cases are made from the contract's own schemas: an
 * operation or a field that is added is covered the moment it is there.
 */

let server: TestServer
let local: SendAdmin
let remote: SendAdmin

beforeAll(async () => {
  server = await startTestServer()
  local = adminSender(server.adminSocket)
  remote = (await administrator(server, ...Object.keys(adminScopes))).send
  await server.registerApi('orders', ['read'])
  await server.registerClient(['orders/read'])
})

afterAll(async () => {
  await server.dispose()
})

const operations = contractOperations().map((operation) => [operation.name, operation] as const)
const ways: [string, () => SendAdmin][] = [
  ['on the socket', () => local],
  ['over the network', () => remote],
]

describe.each(ways)('bad input %s', (_way, sender) => {
  it.each(operations)('%s: every field, wrong in every way → 400 that names it', async (_name, operation) => {
    await changesNothing(async () => {
      const { body } = operation.parts
      if (body === undefined) return
      for (const bad of badBodies(body)) {
        const answer = await attempt(sender(), operation, { body: bad.body })
        const fields = errorsOf(answer).filter((error) => error.in === 'body')
        const isNamed = fields.some(({ field }) => field === bad.field || field.startsWith(`${bad.field}.`))
        expect({ ...bad, body: undefined, status: answer.status, isNamed }).toEqual({
          ...bad,
          body: undefined,
          status: 400,
          isNamed: true,
        })
        expectDocument(answer)
      }
    })
  })

  it.each(operations)(
    '%s: parameters that are wrong, unknown or twice → 400 that names them',
    async (_name, operation) => {
      await changesNothing(async () => {
        const names = Object.keys(operation.parts['query']?.properties ?? {})
        const queries: [string, string][] = [['colour', 'colour=1']]
        for (const name of names) {
          queries.push(
            [name, `${name}=${'x'.repeat(5000)}`],
            [name, `${name}=a%00b`],
            [name, `${name}=`],
            [name, `${name}=1&${name}=2`],
          )
        }
        for (const [name, query] of queries) {
          const answer = await attempt(sender(), operation, {}, `?${query}`)
          const errors = errorsOf(answer).filter((error) => error.in === 'query')
          expectProblem(answer, 400, 'request.invalid')
          // An operation without parameters says so, and names none.
          expect(errors.map(({ field }) => field)).toContain(names.length === 0 ? '' : name)
        }
      })
    },
  )

  it.each(operations)('%s: a path that names nothing, or is none', async (_name, operation) => {
    await changesNothing(async () => {
      const { method, path } = operation.route
      const placeholder = /\{\w+\}/
      if (placeholder.test(path)) {
        for (const id of ['a_b!', '%00', 'a%ed%a0%80b', '..%2f..', 'x'.repeat(150), '%20', "'--"]) {
          const answer = await sender()(method, path.replace(placeholder, id))
          expect({ id, status: answer.status }).toEqual({ id, status: 400 })
          expectDocument(answer)
        }
        // What follows the path is not reached, or is missing as well.
        const answer = await sender()(method, pathToNothing(operation), bodyless(operation))
        expect([400, 404]).toContain(answer.status)
        expectDocument(answer)
      }
      expectProblem(await sender()(method, `${pathToNothing(operation)}/nothing/at/all`), 404, 'route.unknown')
      const wrong = await sender()('PUT', pathToNothing(operation), { raw: 'x' })
      expectProblem(wrong, 405, 'route.method_not_allowed')
      expect(wrong.headers['allow']).toContain(method)
    })
  })

  it.each(operations)('%s: a body that cannot be read', async (_name, operation) => {
    expect.hasAssertions()
    await changesNothing(async () => {
      if (operation.route.method === 'GET') return
      const json = { 'content-type': 'application/json' }
      const limit = operation.route.maxBodyBytes ?? 256 * 1024
      const bodies: [string | Buffer, number, Problem['reason']][] = [
        ['{"name":', 400, 'request.malformed'],
        ['', 400, 'request.malformed'],
        ['{"a":1}x', 400, 'request.malformed'],
        ['{"__proto__":{"name":"x"}}', 400, 'request.malformed'],
        ['{"constructor":{"prototype":{"name":"x"}}}', 400, 'request.malformed'],
        ['{"name":"a","name":"b"}', 400, 'request.malformed'],
        ['{"deep":{"\\u0061":1,"a":2}}', 400, 'request.malformed'],
        [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, 'request.malformed'],
        ['null', 400, 'request.invalid'],
        ['[]', 400, 'request.invalid'],
        ['"x"', 400, 'request.invalid'],
        [`{"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 400, 'request.invalid'],
        [`"${'x'.repeat(limit)}"`, 413, 'request.too_large'],
      ]
      for (const [raw, status, reason] of bodies) {
        expectProblem(await attempt(sender(), operation, { raw, headers: json }), status, reason)
      }
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'application/xml',
      ]) {
        const answer = await attempt(sender(), operation, { raw: '{}', headers: { 'content-type': type } })
        expectProblem(answer, 415, 'request.unsupported_media_type')
      }
    })
  })

  it.each(operations)(
    '%s: an idempotency key that is malformed, or where none is taken → 400',
    async (_name, operation) => {
      await changesNothing(async () => {
        const { idempotencyKey: isTaken, method } = operation.route
        const keys = ['short', 'x'.repeat(129), 'has spaces in it, and enough', `"unclosed-${'x'.repeat(20)}`]
        for (const key of isTaken ? keys : ['0123456789-0123456789-0123']) {
          const answer = await sender()(method, pathToNothing(operation), { headers: { 'idempotency-key': key } })
          expectProblem(answer, 400, 'request.invalid')
          expect(errorsOf(answer)).toMatchObject([{ in: 'header', field: 'Idempotency-Key' }])
        }
      })
    },
  )

  it('the revision is judged before anything is changed', async () => {
    // Those of access requests need a request that a partner has confirmed: they are tested with those.
    const subjects = contractOperations().filter(
      ({ name, parts }) =>
        !name.startsWith('requests.') &&
        ['body', 'query'].some((part) => 'revision' in (parts[part]?.properties ?? {})),
    )
    expect(subjects.map(({ name }) => name).toSorted()).toEqual([
      'clients.delete',
      'clients.disable',
      'clients.enable',
      'clients.update',
      'resourceServers.delete',
      'resourceServers.update',
    ])
    const { clientId } = await server.registerClient(['orders/read'])
    await changesNothing(async () => {
      for (const { name, route, parts } of subjects) {
        const path = route.path.replace('{client_id}', clientId).replace('{name}', 'orders')
        const inQuery = 'revision' in (parts['query']?.properties ?? {})
        const answer = inQuery
          ? await sender()(route.method, `${path}?revision=7`)
          : await sender()(route.method, path, { body: { revision: 7 } })
        expect({ name, reason: answer.body['reason'] }).toEqual({ name, reason: 'revision.stale' })
        expectProblem(answer, 409, 'revision.stale')
        expect(answer.body).toMatchObject({ field: 'revision', revision: 1 })
      }
    })
  })
})

/** Sends it to an id of the right form that names nothing: were the input taken, the answer would be another than 400. */
function attempt(
  send: SendAdmin,
  operation: ContractOperation,
  options: AdminRequestOptions,
  query = '',
): Promise<AdminAnswer> {
  return send(operation.route.method, pathToNothing(operation) + query, options)
}

/** Runs it, and compares everything that could have changed: what is registered with its revisions, and the number of audit rows. */
async function changesNothing(work: () => Promise<void>): Promise<void> {
  const before = await everything()
  await work()
  expect(await everything()).toEqual(before)
}

async function everything(): Promise<unknown> {
  const { services } = server
  const rows = (await local('GET', '/audit/events?limit=1000')).body['items'] as { event: string }[]
  return [
    await services.resourceServers.all(),
    await services.clients.list({ limit: 1000 }),
    rows.filter(({ event }) => event !== 'token.granted').length,
  ]
}

function errorsOf(answer: AdminAnswer): FieldError[] {
  return (answer.body as unknown as Problem).errors ?? []
}

function bodyless({ parts }: ContractOperation): AdminRequestOptions {
  return parts['body'] === undefined ? {} : { body: {} }
}

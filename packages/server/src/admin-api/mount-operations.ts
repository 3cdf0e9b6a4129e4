import { adminPrefix, adminRoutes, type AdminRoute } from '@latchkey/admin-contract'
import { call, type AnyProcedure } from '@orpc/server'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { brokenText, findBrokenText } from '../http/broken-text.ts'
import type { RequestId } from '../kernel/ids.ts'
import { guardChange } from './access/guard-change.ts'
import { answerOnce } from './idempotency/answer-once.ts'
import { readIdempotencyKey } from './idempotency/read-key.ts'
import { invalidRequest } from './invalid-request.ts'
import type { OperationContext } from './operation.ts'
import { ProblemError } from './problem.ts'
import { adminRouter } from './router.ts'
import { openCursor, sealCursor, type List } from './sealed-cursor.ts'
import type { AdminServices } from './services.ts'

/** An operation as it is mounted. */
interface Mounted {
  /** `clients.create`. */
  readonly name: string
  readonly route: AdminRoute
  readonly procedure: AnyProcedure
}

type Input = Readonly<Record<string, unknown>>

/*
 * Fastify routes and reads bodies, oRPC validates and runs. oRPC's own Fastify adapter would match paths a second time, know no 405, and read
 * whatever body Fastify has left unread (one sent with GET) past the limit.
 */

/** Serves every operation of the contract below {@link adminPrefix}. Who calls has been settled by then: `request.caller`. */
export function mountOperations(app: FastifyInstance, services: AdminServices): void {
  const methodsByUrl = new Map<string, string[]>()
  for (const operation of operations()) {
    const { route } = operation
    const url = adminPrefix + route.path.replaceAll(/\{(\w+)\}/g, ':$1')
    methodsByUrl.set(url, [...(methodsByUrl.get(url) ?? []), route.method])
    app.route({
      method: route.method,
      url,
      config: { access: route.scope },
      ...(route.maxBodyBytes === undefined ? {} : { bodyLimit: route.maxBodyBytes }),
      async handler(request, reply) {
        const output = await perform(operation, request, services)
        return reply.code(route.successStatus ?? 200).send(output)
      },
    })
  }
  for (const [url, methods] of methodsByUrl)
    refuseOtherMethods(app, url, methods.includes('GET') ? [...methods, 'HEAD'] : methods)
}

/** Answers every other method of a known path with 405 and `Allow` (RFC 9110 §15.5.6), before the body is looked at. */
export function refuseOtherMethods(app: FastifyInstance, url: string, methods: readonly string[]): void {
  const allow = methods.join(', ')
  app.route({
    method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((method) => !methods.includes(method)),
    url,
    config: { access: 'anyone' },
    exposeHeadRoute: false,
    onRequest: (request) => {
      const detail = `${request.method} is not possible here; ${allow} is`
      return Promise.reject(new ProblemError('route.method_not_allowed', { detail, headers: { allow } }))
    },
    handler: () => undefined,
  })
}

function* operations(): Generator<Mounted> {
  for (const [noun, verbs] of Object.entries<Readonly<Record<string, AdminRoute>>>(adminRoutes)) {
    for (const [verb, route] of Object.entries(verbs)) {
      const procedure = (adminRouter as Readonly<Record<string, Readonly<Record<string, AnyProcedure>>>>)[noun]?.[verb]
      if (procedure === undefined) throw new Error(`the contract has no operation ${noun}.${verb}`)
      yield { name: `${noun}.${verb}`, route, procedure }
    }
  }
}

async function perform({ name, route, procedure }: Mounted, request: FastifyRequest, services: AdminServices) {
  const { caller } = request
  if (caller === undefined) throw new Error('an operation was reached by nobody')
  const { dataKeys } = services.maker
  const input = inputOf(request)
  const broken = findBrokenText(input)
  if (broken !== undefined) throw invalidRequest([{ path: broken, message: brokenText }])
  refuseEmptyParameters(input)
  const key = readIdempotencyKey(request.raw, route.idempotencyKey === true)
  const guarded = guardChange(services.change, caller.authority)
  const attempt = key === undefined ? undefined : { ...caller, key, operation: name, input }
  const context: OperationContext = {
    services: {
      ...services,
      change: attempt === undefined ? guarded : answerOnce(guarded, dataKeys, attempt),
    },
    ...caller,
    requestId: request.id as RequestId,
  }
  const list = { operation: name, query: (input['query'] ?? {}) as Input }
  const output: unknown = await call(procedure, withOpenCursor(input, list, services), { context })
  return withSealedCursor(output, list, services)
}

/** The parts of the request that are there. A part that the operation does not take is refused by its schema, like any unknown field. */
function inputOf(request: FastifyRequest): Input {
  const { params, query, body } = request
  return {
    ...(isEmpty(params) ? {} : { params }),
    ...(isEmpty(query) ? {} : { query }),
    ...(body === undefined ? {} : { body }),
  }
}

/** `?since=` would be read as the number 0. */
function refuseEmptyParameters({ query = {} }: Input): void {
  const empty = Object.entries(query as Input).find(([, value]) => value === '')
  if (empty !== undefined) throw invalidRequest([{ path: ['query', empty[0]], message: 'is empty' }])
}

function withOpenCursor(input: Input, list: List, { maker }: AdminServices): Input {
  const { cursor } = list.query
  if (typeof cursor !== 'string') return input
  return { ...input, query: { ...list.query, cursor: openCursor(maker.dataKeys, list, cursor) } }
}

function withSealedCursor(output: unknown, list: List, { maker }: AdminServices): unknown {
  if (typeof output !== 'object' || output === null || !('next_cursor' in output)) return output
  const { next_cursor: place } = output
  return typeof place === 'string' ? { ...output, next_cursor: sealCursor(maker.dataKeys, list, place) } : output
}

function isEmpty(part: unknown): boolean {
  return typeof part !== 'object' || part === null || Object.keys(part).length === 0
}

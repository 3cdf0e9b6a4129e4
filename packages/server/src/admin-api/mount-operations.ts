import { adminPrefix, adminRoutes } from '@latchkey/admin-contract'
import { call, type AnyProcedure } from '@orpc/server'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { OperationContext } from './operation.ts'
import { ProblemError } from './problem.ts'
import { adminRouter } from './router.ts'

interface Route {
  readonly method: string
  readonly path: string
  readonly successStatus?: number
}

/*
 * Fastify routes and reads bodies, oRPC validates and runs. oRPC's own Fastify adapter would match paths a second time, know no 405, and read
 * whatever body Fastify has left unread (one sent with GET) past the limit.
 */

/** Serves every operation of the contract below {@link adminPrefix}. */
export function mountOperations(app: FastifyInstance, contextOf: (request: FastifyRequest) => OperationContext): void {
  const methodsByUrl = new Map<string, string[]>()
  for (const [noun, verbs] of Object.entries<Readonly<Record<string, Route>>>(adminRoutes)) {
    for (const [verb, route] of Object.entries(verbs)) {
      const procedure = (adminRouter as Readonly<Record<string, Readonly<Record<string, AnyProcedure>>>>)[noun]?.[verb]
      if (procedure === undefined) throw new Error(`the contract has no operation ${noun}.${verb}`)
      const url = adminPrefix + route.path.replaceAll(/\{(\w+)\}/g, ':$1')
      methodsByUrl.set(url, [...(methodsByUrl.get(url) ?? []), route.method])
      app.route({
        method: route.method,
        url,
        async handler(request, reply) {
          const output = await call(procedure, inputOf(request), { context: contextOf(request) })
          return reply.code(route.successStatus ?? 200).send(output)
        },
      })
    }
  }
  for (const [url, methods] of methodsByUrl) refuseOtherMethods(app, url, methods)
}

/** Answers every other method of a known path with 405 and `Allow` (RFC 9110 §15.5.6), before the body is looked at. */
export function refuseOtherMethods(app: FastifyInstance, url: string, methods: readonly string[]): void {
  const allowed = methods.includes('GET') ? [...methods, 'HEAD'] : methods
  const allow = allowed.join(', ')
  app.route({
    method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((method) => !allowed.includes(method)),
    url,
    exposeHeadRoute: false,
    onRequest: (request) => {
      const detail = `${request.method} is not possible here; ${allow} is`
      return Promise.reject(new ProblemError('route.method_not_allowed', { detail, headers: { allow } }))
    },
    handler: () => undefined,
  })
}

/** The parts of the request that are there. A part that the operation does not take is refused by its schema, like any unknown field. */
function inputOf(request: FastifyRequest): Record<string, unknown> {
  const { params, query, body } = request
  return {
    ...(isEmpty(params) ? {} : { params }),
    ...(isEmpty(query) ? {} : { query }),
    ...(body === undefined ? {} : { body }),
  }
}

function isEmpty(part: unknown): boolean {
  return typeof part !== 'object' || part === null || Object.keys(part).length === 0
}

import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Access } from './access.ts'
import { GuardConfigurationError } from './configuration-error.ts'
import type { Guard } from './guard.ts'
import type { RefusalAnswer } from './refusal-answer.ts'
import { nodeRequestFacts } from './node-request.ts'
import type { RouteRequirement, RouteSaying } from './route-requirement.ts'

/** What every route has to say of itself, as `config: { guard: … }`. */
export type RouteGuard = RouteSaying | 'public'

declare module 'fastify' {
  interface FastifyContextConfig {
    guard?: RouteGuard
  }
  interface FastifyRequest {
    /** What the caller's token allows. Reading it in a public route throws. */
    readonly access: Access
  }
}

export interface FastifyGuardOptions {
  readonly guard: Guard
  /** Default true: the plugin also serves this API's metadata (RFC 9728). */
  readonly serveResourceMetadata?: boolean
  /** Default false: a path without a route is answered here. `true` lets the API's own not-found handler run, for anybody. */
  readonly publicNotFoundHandler?: boolean
}

/** Where a route's decision is kept, and a request's access: nothing outside this file can set either. */
const decisionKey = Symbol('guard decision')
const accessKey = Symbol('access')

type Decision = RouteRequirement | 'public'

/**
 * Guards all routes of the instance that it is registered on, and those of its children: deny by default. A route without `config.guard` fails when it is
 * registered; one that was registered too early to be seen answers 500. So register with `await`, before the routes.
 * Runs as an onRequest hook: before the body is read.
 */
export const fastifyGuard: FastifyPluginAsync<FastifyGuardOptions> = async (app, options) => {
  const { guard } = options
  app.decorateRequest(accessKey, null)
  app.decorateRequest('access', { getter: readAccess })

  app.addHook('onRoute', (route) => {
    const decision = decide(guard, route.config?.guard, `${String(route.method)} ${route.url}`)
    route.config = Object.assign({}, route.config, { [decisionKey]: decision })
  })

  app.addHook('onRequest', async (request, reply) => {
    const answer = await answerInstead(guard, request, options.publicNotFoundHandler === true)
    // Returning the reply ends the request here: no handler runs.
    return answer && reply.code(answer.status).headers(answer.headers).send(Buffer.from(answer.body))
  })

  if (options.serveResourceMetadata !== false) serveResourceMetadata(app, guard)
}

// What fastify-plugin does: hooks and decorators belong to the instance that registers the plugin, and not to a child of it.
Object.assign(fastifyGuard, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@latchkey/guard',
})

function decide(guard: Guard, declared: RouteGuard | undefined, route: string): Decision {
  if (declared === 'public') return 'public'
  if (declared === undefined) {
    throw new GuardConfigurationError(
      `Route ${route} does not say who may call it`,
      "Add config: { guard: { scopes: ['…'] } }, or config: { guard: 'public' } to open it to everybody",
    )
  }
  return guard.declare(declared)
}

/** The answer to a request that must not pass; `undefined` for one that may. */
async function answerInstead(
  guard: Guard,
  request: FastifyRequest,
  publicNotFoundHandler: boolean,
): Promise<RefusalAnswer | undefined> {
  if (request.is404)
    return publicNotFoundHandler ? undefined : guard.refuse({ reason: 'route.unknown', requiredScopes: [] })
  const decision = (request.routeOptions.config as { [decisionKey]?: Decision })[decisionKey]
  if (decision === undefined) return guard.refuse({ reason: 'route.undeclared', requiredScopes: [] })
  if (decision === 'public') return undefined
  const verdict = await guard.verify(nodeRequestFacts(request.raw), decision)
  if (!verdict.ok) return guard.refuse(verdict.refusal)
  Object.assign(request, { [accessKey]: verdict.access })
  return undefined
}

function readAccess(this: FastifyRequest): Access {
  const access = (this as { [accessKey]?: Access | null })[accessKey]
  if (access) return access
  throw new GuardConfigurationError('request.access was read in a public route', 'Declare the scopes of the route')
}

function serveResourceMetadata(app: FastifyInstance, guard: Guard): void {
  const path = guard.resourceMetadataPath
  if (path === undefined) return
  if (app.prefix !== '') {
    throw new GuardConfigurationError(
      `The guard is registered below ${app.prefix}, where the metadata cannot be served at ${path}`,
      'Register it on the root instance, or pass serveResourceMetadata: false and serve guard.resourceMetadata() there',
    )
  }
  app.get(path, { config: { guard: 'public' } }, async (_request, reply) => {
    reply.header('cache-control', 'public, max-age=300')
    return guard.resourceMetadata()
  })
}

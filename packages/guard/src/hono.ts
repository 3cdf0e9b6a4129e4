import type { IncomingMessage } from 'node:http'
import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import { findTargetHandler, isMiddleware as takesNext } from 'hono/utils/handler'
import type { Access } from './access.ts'
import { GuardConfigurationError } from './configuration-error.ts'
import type { Guard } from './guard.ts'
import type { RefusalAnswer } from './refusal-answer.ts'
import { nodeConnection } from './node-request.ts'
import { readRequestFacts, type RequestFacts } from './request-facts.ts'
import type { RouteRequirement, RouteSaying } from './route-requirement.ts'

/** What handlers behind {@link needs} find in their context: `c.var.access`. */
export interface GuardedEnv {
  Variables: {
    /** What the caller's token allows. */
    readonly access: Access
  }
}

export interface HonoGuardOptions {
  /** Default true: this API's metadata (RFC 9728) is served too, when the middleware is where its path leads. */
  readonly serveResourceMetadata?: boolean
}

/** What was said at a route. The handler that says it is the key, so that no path has to be compared. */
const decisions = new WeakMap<object, RouteRequirement | 'open'>()

/** The requirements that a request was judged by. Nothing outside this file can add one. */
const judged = new WeakMap<Context, ReadonlySet<RouteRequirement>>()

/**
 * Guards all routes that come after it in a Hono 4 app, sub-apps included: deny by default. `app.use(honoGuard(guard))` before the routes, each of which
 * says {@link needs} or {@link open}; every requirement that matches a request is judged here, before anything else runs. A request whose route says
 * nothing is answered with 500, one without a route with 404. Does not see what was registered before it, nor what a handler mounts. Hono registers `use`
 * and `all` alike: what takes `next` counts as middleware, which runs wherever a route that matches too is declared; what does not is a route.
 */
export function honoGuard(guard: Guard, options: HonoGuardOptions = {}): MiddlewareHandler {
  const servesMetadata = options.serveResourceMetadata !== false
  return async (c, next) => {
    if (servesMetadata && isForMetadata(guard, c)) {
      return c.json(guard.resourceMetadata(), 200, { 'cache-control': 'public, max-age=300' })
    }
    const routes = matchedRoutes(c)
    const said = routes.flatMap(({ handler }) => decisions.get(findTargetHandler(handler)) ?? [])
    if (said.length === 0) {
      // A path that only middleware knows is nobody's.
      const reason = routes.every((route) => isMiddleware(route)) ? 'route.unknown' : 'route.undeclared'
      return respond(guard.refuse({ reason, requiredScopes: [] }))
    }
    if (!isEachDeclared(routes)) return respond(guard.refuse({ reason: 'route.undeclared', requiredScopes: [] }))
    const requirements = said.filter((decision) => decision !== 'open')
    for (const requirement of requirements) {
      const verdict = await guard.verify(readFacts(c), requirement)
      if (!verdict.ok) return respond(guard.refuse(verdict.refusal))
      c.set('access', verdict.access)
    }
    judged.set(c, new Set(requirements))
    return next()
  }
}

/**
 * Whether each matching route was said something about, before its own handlers: at the same method and path, or for every method. What another
 * route says must not do, or a fallback such as `app.get('*', open, page)` would open every route that was forgotten.
 */
function isEachDeclared(routes: readonly Route[]): boolean {
  const declared = new Set<string>()
  return routes.every((route) => {
    const { handler, method, path } = route
    const place = method === 'ALL' ? 'ALL' : `${method} ${path}`
    if (decisions.has(findTargetHandler(handler))) declared.add(place)
    return isMiddleware(route) || declared.has(place) || declared.has('ALL')
  })
}

type Route = ReturnType<typeof matchedRoutes>[number]

/** Registered for every method, and able to pass a request on: what is not answers by itself, and so is a route of `all`. */
function isMiddleware({ handler, method }: Route): boolean {
  return method === 'ALL' && takesNext(findTargetHandler(handler))
}

/**
 * Says that a route needs a token with all of these scopes: `app.get('/things', needs(guard, { scopes: ['configurations/things.read'] }), handler)`.
 * Throws `GuardConfigurationError` when the declaration is wrong, and at a request that {@link honoGuard} has not judged.
 */
export function needs(guard: Guard, route: RouteSaying): MiddlewareHandler<GuardedEnv> {
  const requirement = guard.declare(route)
  const declared: MiddlewareHandler<GuardedEnv> = (c, next) => {
    if (judged.get(c)?.has(requirement)) return next()
    throw new GuardConfigurationError(
      'A guarded route was reached without its guard',
      'Put app.use(honoGuard(guard)) before the routes, on the app that they belong to',
    )
  }
  decisions.set(declared, requirement)
  return declared
}

/** Says that a route is open to everybody: `app.get('/healthz', open, handler)`. */
export const open: MiddlewareHandler = (_c, next) => next()
decisions.set(open, 'open')

/**
 * The fetch API joins repeated header lines with a comma, which neither token nor certificate has: such a value is malformed, and refused. The connection is
 * known where Hono runs on node:http (`@hono/node-server`), and nowhere else.
 */
function readFacts({ req, env }: Context): RequestFacts {
  const { incoming } = (env ?? {}) as { readonly incoming?: Partial<IncomingMessage> }
  const connection = incoming?.socket === undefined ? undefined : nodeConnection(incoming.socket)
  // The fetch API has resolved dot segments already; node:http has not.
  const call = { method: req.method, target: incoming?.url ?? targetOf(req.raw.url) }
  return readRequestFacts([...req.raw.headers].flat(), connection, call)
}

function targetOf(url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}

function isForMetadata(guard: Guard, { req }: Context): boolean {
  return (req.method === 'GET' || req.method === 'HEAD') && req.path === guard.resourceMetadataPath
}

function respond({ status, headers, body }: RefusalAnswer): Response {
  return new Response(body, { status, headers })
}

import { Router, type IRouterMatcher, type Request, type RequestHandler, type RouterOptions } from 'express'
import type { Access } from './access.ts'
import { GuardConfigurationError } from './configuration-error.ts'
import type { Guard } from './guard.ts'
import { serveResourceMetadata, writeRefusal } from './node-response.ts'
import { nodeRequestFacts } from './node-request.ts'
import type { RouteSaying } from './route-requirement.ts'

declare global {
  // Where @types/express lets requests be extended.
  namespace Express {
    interface Request {
      /** What the caller's token allows. Reading it in an open route throws; outside of guarded routes it is not there. */
      readonly access: Access
    }
  }
}

export interface ExpressGuardOptions {
  /** Default true: this API's metadata (RFC 9728) is served too, when the handler is mounted where its path leads. */
  readonly serveResourceMetadata?: boolean
  /** Default false: a path without a route is answered here. `true` hands it to what the app has mounted after, for anybody. */
  readonly publicNotFoundHandler?: boolean
  /** Of the Express router inside. */
  readonly router?: RouterOptions
}

/** The verbs of an Express router, behind one decision. */
export type GuardedRoutes = Readonly<Record<(typeof verbs)[number], IRouterMatcher<unknown>>>

/** A router on which a route cannot be registered without saying who may call it. */
export interface ExpressGuard {
  /** Routes that need a token with all of these scopes. Throws `GuardConfigurationError` when the declaration is wrong. */
  needs(route: RouteSaying): GuardedRoutes
  /** Routes that are open to everybody. */
  readonly open: GuardedRoutes
  /** All of it, for `app.use`. Mounted before anything else it lets nothing else be reached: deny by default. */
  readonly handler: RequestHandler
}

const verbs = ['all', 'get', 'head', 'post', 'put', 'patch', 'delete', 'options'] as const

/**
 * Makes a guarded router for Express 5. Its check runs before a route's own handlers, so parse bodies there (`routes.needs(…).post(path, express.json(),
 * handler)`) and not in front of it. Express answers OPTIONS of a known path with its methods itself, to anybody. Does not see what an app mounts before
 * it or beside it.
 */
export function guardedRoutes(guard: Guard, options: ExpressGuardOptions = {}): ExpressGuard {
  const router = Router(options.router)
  const servesMetadata = options.serveResourceMetadata !== false

  const behind = (check: RequestHandler): GuardedRoutes => {
    const register =
      (verb: (typeof verbs)[number]) =>
      (path: string | RegExp, ...handlers: RequestHandler[]): void =>
        void router[verb](path, check, ...handlers)
    return Object.fromEntries(verbs.map((verb) => [verb, register(verb)])) as GuardedRoutes
  }

  return {
    needs(route) {
      const requirement = guard.declare(route)
      return behind(async (request, response, next) => {
        const verdict = await guard.verify(nodeRequestFacts(request), requirement)
        if (!verdict.ok) return writeRefusal(response, guard.refuse(verdict.refusal))
        setAccess(request, () => verdict.access)
        next()
      })
    },

    open: behind((request, _response, next) => {
      setAccess(request, refuseToRead)
      next()
    }),

    handler(request, response, next) {
      if (servesMetadata && isForMetadata(guard, request)) return serveResourceMetadata(guard, response)
      router(request, response, (error?: unknown) => {
        if (error !== undefined && error !== null) return next(error)
        if (options.publicNotFoundHandler === true) return next()
        writeRefusal(response, guard.refuse({ reason: 'route.unknown', requiredScopes: [] }))
      })
    },
  }
}

/** A getter without a setter: nothing between check and handler can put another access in its place. */
function setAccess(request: Request, get: () => Access): void {
  Object.defineProperty(request, 'access', { get, configurable: true })
}

function refuseToRead(): never {
  throw new GuardConfigurationError('request.access was read in an open route', 'Register the route with needs')
}

function isForMetadata(guard: Guard, { method, originalUrl }: Request): boolean {
  return (method === 'GET' || method === 'HEAD') && originalUrl.split('?', 1)[0] === guard.resourceMetadataPath
}

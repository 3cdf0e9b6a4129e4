import rateLimit from '@fastify/rate-limit'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { addressPrefix } from '../http/address-prefix.ts'
import { readJsonBodies } from '../http/read-json.ts'
import { newRequestId } from '../kernel/ids.ts'
import { describeFailure } from './describe-failure.ts'
import { portalDocument, PortalError } from './portal-error.ts'
import type { PortalServices } from './services.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Where the visitor is, by the rules of `http/peer`. */
    visitor: string
  }
}

/** Longest request body, in bytes. */
const maxBodyBytes = 64 * 1024

/** Requests a minute from one address prefix, pages and their files included: an office behind one address opens many at a time. */
const requestsPerMinute = 1200

const everyMethod = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** One part of the portal: puts its routes below the issuer's path. */
export type PortalPart = (app: FastifyInstance, services: PortalServices) => void | Promise<void>

/**
 * The pages of the public listener, and what they ask the server for. It does not listen itself, see `routing`. Nothing of it needs a cookie or
 * a login, so there is nothing that another site could ride on; what is not public is proven by a key in the body.
 */
export async function createPortalApp(
  services: PortalServices,
  parts: readonly PortalPart[],
): Promise<FastifyInstance> {
  const { random, clock, findAddress } = services
  const app = fastify({
    bodyLimit: maxBodyBytes,
    genReqId: () => newRequestId(random, clock.now()),
    requestIdHeader: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: (error, request, reply) => {
      stamp(request, reply)
      answerFailure(error, request, reply, services)
    },
  })
  readJsonBodies(app)
  app.decorateRequest('visitor', '')
  app.addHook('onRequest', (request, reply, done) => {
    request.visitor = findAddress(request.raw)
    stamp(request, reply)
    done()
  })
  await app.register(rateLimit, {
    global: true,
    max: requestsPerMinute,
    timeWindow: 60_000,
    cache: 20_000,
    keyGenerator: (request) => addressPrefix(request.visitor),
    addHeadersOnExceeding: { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false },
    addHeaders: { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false },
    errorResponseBuilder: (_request, { max, ttl }) =>
      new PortalError('limit.requests', {
        detail: `more than ${max} requests in a minute came from this address: please wait a little`,
        retryAfter: Math.max(1, Math.ceil(ttl / 1000)),
      }),
  })
  const methods = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set()
    for (const one of [method].flat()) known.add(one)
    methods.set(url, known)
  })
  app.setErrorHandler((error, request, reply) => {
    answerFailure(error, request, reply, services)
  })
  app.setNotFoundHandler(() => {
    throw new PortalError('route.unknown', { detail: 'nothing is served at this path' })
  })
  const base = new URL(services.issuer).pathname.replace(/\/$/, '')
  await app.register(
    async (below) => {
      for (const part of parts) await part(below, services)
    },
    { prefix: base },
  )
  for (const [url, known] of Array.from(methods)) refuseOtherMethods(app, url, known)
  await app.ready()
  return app
}

/** Answers every other method of a known path with 405 and `Allow` (RFC 9110 §15.5.6), before the body is looked at. */
function refuseOtherMethods(app: FastifyInstance, url: string, known: ReadonlySet<string>): void {
  const allow = [...known].join(', ')
  app.route({
    method: everyMethod.filter((method) => !known.has(method)),
    url,
    exposeHeadRoute: false,
    onRequest: (request) => {
      const detail = `${request.method} is not possible here; ${allow} is`
      return Promise.reject(new PortalError('route.method_not_allowed', { detail, headers: { allow } }))
    },
    handler: () => undefined,
  })
}

/** What every answer carries, until a route says otherwise. */
function stamp(request: FastifyRequest, reply: FastifyReply): void {
  void reply.headers({
    'x-request-id': request.id,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  })
}

function answerFailure(
  failure: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { logger }: PortalServices,
): void {
  const problem = describeFailure(failure)
  const document = portalDocument(problem, request.id)
  const { retryAfter, headers } = problem.options
  if (document.status >= 500) {
    logger.error({ requestId: request.id, reason: problem.reason, err: failure }, 'portal request failed')
  }
  void reply
    .code(document.status)
    .headers({ ...headers, ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }) })
    .type('application/problem+json')
    .send(JSON.stringify(document))
}

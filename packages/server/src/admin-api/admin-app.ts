import { adminPrefix, type AdminScope } from '@latchkey/admin-contract'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { readJsonBodies } from '../http/read-json.ts'
import { newRequestId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/log.ts'
import { checkHost, type AdminNames } from './access/allowed-hosts.ts'
import { authenticateToken, type TokenJudge } from './access/bearer-token.ts'
import { localCaller, type Caller } from './access/caller.ts'
import { resourceMetadata, resourceMetadataPath } from './access/resource-metadata.ts'
import { mountBackup } from './backup/mount-backup.ts'
import { describeFailure } from './describe-failure.ts'
import { mountOperations, refuseOtherMethods } from './mount-operations.ts'
import { problemDocument, ProblemError, problemMediaType } from './problem.ts'
import { problemKind } from './problem-kinds.ts'
import type { AdminServices } from './services.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call a route: whoever has the scope, or anyone. A route that does not say cannot be registered. */
    access?: AdminScope | 'anyone'
  }
  interface FastifyRequest {
    /** Set on every route but those for anyone, before the body is read. */
    caller: Caller | undefined
  }
}

/** Longest request body, in bytes, of an operation that does not ask for more. */
const maxBodyBytes = 256 * 1024

/** Finds out who calls, from the head of the request alone. Throws ProblemError when that is nobody. */
interface Gate {
  /** For every request, those that reach no route included. */
  readonly admit: (request: FastifyRequest) => void
  readonly identify: (request: FastifyRequest, scope: AdminScope) => Promise<Caller> | Caller
}

/**
 * The admin API for whoever can open the local socket: not listening yet, see `admin-socket.ts`. Asks for no credential and checks neither
 * Host nor Origin, so it must never be put on a network listener.
 */
export function createLocalAdminApp(services: AdminServices, logger: Logger): FastifyInstance {
  return createApp(services, logger, { admit: () => undefined, identify: () => localCaller })
}

export interface RemoteAdminOptions {
  readonly names: AdminNames
  readonly judge: TokenJudge
}

/** The admin API for callers with tokens of this server, on a network listener; it does not listen itself, see `routing`. */
export function createRemoteAdminApp(
  services: AdminServices,
  logger: Logger,
  { names, judge }: RemoteAdminOptions,
): FastifyInstance {
  const app = createApp(services, logger, {
    admit: (request) => void checkHost(request.raw, names),
    identify: (request, scope) => {
      const origin = checkHost(request.raw, names)
      return authenticateToken(request.raw, judge, scope, origin + resourceMetadataPath)
    },
  })
  app.get(resourceMetadataPath, { config: { access: 'anyone' } }, (request) =>
    resourceMetadata(checkHost(request.raw, names), services.issuer),
  )
  refuseOtherMethods(app, resourceMetadataPath, ['GET', 'HEAD'])
  return app
}

function createApp(services: AdminServices, logger: Logger, gate: Gate): FastifyInstance {
  const app = fastify({
    bodyLimit: maxBodyBytes,
    genReqId: () => newRequestId(services.random, services.clock.now()),
    requestIdHeader: false,
    return503OnClosing: false,
    // A drained server must not wait for a caller that merely keeps its connection.
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: (error, request, reply) => {
      stamp(request, reply)
      answerFailure(error, request, reply, logger)
    },
  })
  readJsonBodies(app)
  app.decorateRequest('caller', undefined)
  app.addHook('onRoute', ({ url, config }) => {
    if (config?.access === undefined) throw new Error(`${url} does not say who may call it`)
  })
  app.addHook('onRequest', async (request, reply) => {
    stamp(request, reply)
    gate.admit(request)
    if (request.is404) return
    const { access } = request.routeOptions.config
    if (access === undefined) throw new Error('a route does not say who may call it')
    if (access !== 'anyone') request.caller = await gate.identify(request, access)
  })
  app.setErrorHandler((error, request, reply) => {
    answerFailure(error, request, reply, logger)
  })
  app.setNotFoundHandler(() => {
    throw new ProblemError('route.unknown', { detail: `the operations are listed at ${adminPrefix}/openapi.json` })
  })
  mountOperations(app, services)
  mountBackup(app, services, logger)
  mountDocument(app, services)
  return app
}

function mountDocument(app: FastifyInstance, { version, tokenEndpoint }: AdminServices): void {
  const url = `${adminPrefix}/openapi.json`
  let document: Promise<object> | undefined
  app.get(url, { config: { access: 'anyone' } }, () => {
    // Loaded when first asked for: the generator costs more to load than all the rest of the admin API.
    document ??= import('./openapi-document.ts').then(({ openApiDocument }) => openApiDocument(version, tokenEndpoint))
    return document
  })
  refuseOtherMethods(app, url, ['GET', 'HEAD'])
}

/** What every answer carries. The request id is always ours: a caller's could be anything. */
function stamp(request: FastifyRequest, reply: FastifyReply): void {
  void reply.header('x-request-id', request.id).header('cache-control', 'no-store')
}

function answerFailure(failure: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  const problem = describeFailure(failure)
  const { status } = problemKind(problem.reason)
  if (status >= 500)
    logger.error({ requestId: request.id, reason: problem.reason, err: failure }, 'admin request failed')
  // Whoever is turned away leaves no audit row: nothing was changed, and nobody knows who it was.
  if (status === 401 || status === 403)
    logger.info({ requestId: request.id, reason: problem.reason, address: request.ip }, 'admin request turned away')
  void reply
    .code(status)
    .headers(problem.options.headers ?? {})
    .type(problemMediaType)
    .send(JSON.stringify(problemDocument(problem, request.id)))
}

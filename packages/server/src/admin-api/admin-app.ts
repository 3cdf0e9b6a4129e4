import { adminPrefix } from '@latchkey/admin-contract'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { newRequestId, type RequestId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/log.ts'
import { describeFailure } from './describe-failure.ts'
import { mountOperations, refuseOtherMethods } from './mount-operations.ts'
import { problemDocument, ProblemError, problemMediaType } from './problem.ts'
import { problemKind } from './problem-kinds.ts'
import type { AdminServices } from './services.ts'

/** Longest request body, in bytes. */
const maxBodyBytes = 256 * 1024

/**
 * The admin API for whoever can open the local socket: not listening yet, see `admin-socket.ts`. Asks for no credential and checks neither
 * Host nor Origin, so it must never be put on a network listener.
 */
export function createLocalAdminApp(services: AdminServices, logger: Logger): FastifyInstance {
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
  app.removeContentTypeParser('text/plain')
  app.addHook('onRequest', (request, reply, next) => {
    stamp(request, reply)
    next()
  })
  app.setErrorHandler((error, request, reply) => {
    answerFailure(error, request, reply, logger)
  })
  app.setNotFoundHandler(() => {
    throw new ProblemError('route.unknown', { detail: `the operations are listed at ${adminPrefix}/openapi.json` })
  })
  mountOperations(app, (request) => ({ services, actor: 'local-socket', requestId: request.id as RequestId }))
  mountDocument(app, services.version)
  return app
}

function mountDocument(app: FastifyInstance, version: string): void {
  const url = `${adminPrefix}/openapi.json`
  let document: Promise<object> | undefined
  app.get(url, () => {
    // Loaded when first asked for: the generator costs more to load than all the rest of the admin API.
    document ??= import('./openapi-document.ts').then(({ openApiDocument }) => openApiDocument(version))
    return document
  })
  refuseOtherMethods(app, url, ['GET'])
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
  void reply
    .code(status)
    .headers(problem.options.headers ?? {})
    .type(problemMediaType)
    .send(JSON.stringify(problemDocument(problem, request.id)))
}

import { adminPrefix, backupRoute } from '@latchkey/admin-contract'
import type { FastifyInstance } from 'fastify'
import { describeError } from '../../kernel/faults.ts'
import type { Logger } from '../../kernel/log.ts'
import { refuseOtherMethods } from '../mount-operations.ts'
import type { AdminServices } from '../services.ts'

/**
 * `GET /backup`: everything that is in the database, as one file. Beside the operations of the contract, because its answer is a stream. A stream
 * that fails breaks the connection off, so that nobody takes a part for the whole.
 */
export function mountBackup(app: FastifyInstance, services: AdminServices, logger: Logger): void {
  const url = adminPrefix + backupRoute.path
  app.get(url, { config: { access: backupRoute.scope }, exposeHeadRoute: false }, async (request, reply) => {
    const { caller } = request
    if (caller === undefined) throw new Error('an operation was reached by nobody')
    const now = services.clock.now()
    const backup = await services.takeBackup({ actor: caller.actor, requestId: request.id, now })
    backup.once('error', (error) => {
      logger.error({ requestId: request.id, error: describeError(error) }, 'a backup was not finished')
    })
    return reply.type('application/gzip').send(backup)
  })
  refuseOtherMethods(app, url, ['GET'])
}

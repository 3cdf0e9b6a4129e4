import type { FastifyInstance } from 'fastify'

/** How long a request under way may hold up the end, in milliseconds. */
const maxDrainMs = 9000

/**
 * Lets requests under way finish when the server closes, and then their connections, which would otherwise be kept alive for requests that nobody
 * answers any more. (Fastify closes those that are idle from the start.) A request that never ends is cut off after nine seconds.
 */
export function drainOnClose(app: FastifyInstance): void {
  let closing = false
  let deadline: NodeJS.Timeout | undefined
  app.addHook('preClose', async () => {
    closing = true
    deadline = setTimeout(() => app.server.closeAllConnections(), maxDrainMs)
  })
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close')
  })
  app.addHook('onClose', async () => clearTimeout(deadline))
}

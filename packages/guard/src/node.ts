import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Access } from './access.ts'
import type { Guard } from './guard.ts'
import { writeRefusal } from './node-response.ts'
import { nodeRequestFacts } from './node-request.ts'
import type { RouteSaying } from './route-requirement.ts'

export { serveResourceMetadata } from './node-response.ts'
export { savedStateFile } from './saved-state/saved-state-file.ts'

/** A node:http request listener. Rejects only if the handler does. */
export type GuardedListener = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** The API's own code; runs only with access. */
export type GuardedHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  access: Access,
) => void | Promise<void>

/**
 * Puts a guard before a handler of node:http. Throws `GuardConfigurationError` when the declaration is wrong.
 * Does not handle the handler's own errors.
 */
export function protect(guard: Guard, route: RouteSaying, handler: GuardedHandler): GuardedListener {
  const requirement = guard.declare(route)
  return async (request, response) => {
    const verdict = await guard.verify(nodeRequestFacts(request), requirement)
    if (verdict.ok) await handler(request, response, verdict.access)
    else writeRefusal(response, guard.refuse(verdict.refusal))
  }
}

import type { AdminClient, ProblemErrorData } from '@latchkey/admin-contract'
import { adminPrefix, adminRoutes } from '@latchkey/admin-contract/routes'
import { createORPCClient, ORPCError } from '@orpc/client'
import { ContractProcedure, type AnyContractRouter } from '@orpc/contract'
import { StandardOpenAPILink } from '@orpc/openapi-client/standard'
import { adminCall } from './admin-call.ts'
import type { Connection } from './connection.ts'

/**
 * A typed client of the admin API behind a connection. Its types come from the contract, its routes from the table that the contract is
 * built on; the schemas stay where they are needed, in the server.
 */
export function createAdminClient(connection: Connection): AdminClient {
  const link = new StandardOpenAPILink(routesOnly(), adminCall(connection), {
    url: `http://localhost${adminPrefix}`,
    customErrorResponseBodyDecoder: (body, { status }) => decodeProblem(connection, body, status),
  })
  return createORPCClient<AdminClient>(link)
}

/** Codes of the contract's typed errors, by status. */
const codes: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_SUPPORTED',
  409: 'CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'UNPROCESSABLE_CONTENT',
  500: 'INTERNAL_SERVER_ERROR',
  503: 'SERVICE_UNAVAILABLE',
}

/** A problem document (RFC 9457) as the contract's typed error. Fails with `server.no_answer` when the body is none of ours. */
function decodeProblem(connection: Connection, body: unknown, status: number): ORPCError<string, ProblemErrorData> {
  const code = codes[status]
  if (code === undefined || typeof body !== 'object' || body === null) throw connection.notLatchkey(`status ${status}`)
  const { detail, reason, field, errors, revision, request_id } = body as Partial<ProblemErrorData> & {
    detail?: unknown
  }
  if (typeof detail !== 'string' || typeof reason !== 'string' || typeof request_id !== 'string') {
    throw connection.notLatchkey(`status ${status}`)
  }
  return new ORPCError(code, {
    defined: true,
    status,
    message: detail,
    data: { reason, field, errors, revision, request_id },
  })
}

function routesOnly(): AnyContractRouter {
  const nouns = Object.entries(adminRoutes).map(([noun, verbs]) => [
    noun,
    Object.fromEntries(
      Object.entries(verbs).map(([verb, route]) => [
        verb,
        new ContractProcedure({ route: { ...route, inputStructure: 'detailed' }, errorMap: {}, meta: {} }),
      ]),
    ),
  ])
  return Object.fromEntries(nouns) as AnyContractRouter
}

import type { FastifyInstance, FastifyReply } from 'fastify'
import { hasZodFastifySchemaValidationErrors, type ZodFastifySchemaValidationError } from 'fastify-type-provider-zod'
import { STATUS_CODES } from 'node:http'

/** Answers with a problem document (RFC 9457); `code` is for programs, `detail` for people. */
export function sendProblem(
  reply: FastifyReply,
  status: number,
  code: string,
  detail: string,
  more: object = {},
): FastifyReply {
  const problem = { title: STATUS_CODES[status], status, detail, code, ...more }
  return reply.code(status).type('application/problem+json').serializer(JSON.stringify).send(problem)
}

/** Turns errors into problem documents: bad input by field, what Fastify refused by its status, and anything else into a bare 500. */
export function answerErrorsAsProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { statusCode?: number; code?: string }, request, reply) => {
    if (hasZodFastifySchemaValidationErrors(error)) {
      const errors = error.validation.map(describe)
      const detail = errors.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('; ')
      return sendProblem(reply, 400, 'invalid_request', detail, { errors })
    }
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
      return sendProblem(reply, 413, 'too_large', 'The body is too large')
    }
    const status = error.statusCode ?? 500
    if (status >= 400 && status < 500) return sendProblem(reply, status, 'invalid_request', error.message)
    request.log.error(error)
    return sendProblem(reply, 500, 'server_error', 'The server failed to handle the request')
  })
}

/** `options/colour` and what is wrong there; an unknown field is named in the message. */
function describe({ instancePath, message }: ZodFastifySchemaValidationError): { field: string; message: string } {
  return { field: instancePath.slice(1), message: message ?? 'invalid' }
}

import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { brokenText, findBrokenText } from '../http/broken-text.ts'
import type { RequestId } from '../kernel/ids.ts'
import { PortalError } from './portal-error.ts'

/** A request to one of the portal's endpoints, after validation. */
export interface PortalRequest<Input> {
  readonly input: Input
  /** `id` of the path; empty where the path has none. */
  readonly id: string
  readonly requestId: RequestId
  /** Where it came from, by the rules of `http/peer`. */
  readonly address: string
}

export interface PostOptions {
  /** Of a success; 200 by default. */
  readonly status?: number
  /** Requests a minute from one address prefix, where they are fewer than the portal's. */
  readonly perMinute?: number
}

/**
 * Serves `POST url` for JSON of this shape. The handler answers with a document, or throws PortalError. Everything that is wrong with the input is
 * named: unknown fields, too.
 */
export function post<Schema extends z.ZodType>(
  app: FastifyInstance,
  url: string,
  schema: Schema,
  handler: (request: PortalRequest<z.output<Schema>>) => Promise<object>,
  { status = 200, perMinute }: PostOptions = {},
): void {
  const config = perMinute === undefined ? {} : { rateLimit: { max: perMinute, timeWindow: 60_000 } }
  app.post<{ Params: { id?: string } }>(url, { config }, async (request, reply) => {
    const input = read(schema, request.body)
    const { id = '' } = request.params
    const document = await handler({ input, id, requestId: request.id as RequestId, address: request.visitor })
    return reply.code(status).send(document)
  })
}

function read<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const broken = findBrokenText(body)
  if (broken !== undefined) throw invalid([{ field: broken.join('.'), message: brokenText }])
  const parsed = schema.safeParse(body ?? {})
  if (parsed.success) return parsed.data
  throw invalid(
    parsed.error.issues.flatMap((issue) => {
      const path = issue.path.map(String)
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => ({ field: [...path, shorten(key)].join('.'), message: 'unknown field' }))
      }
      const message = issue.code === 'invalid_format' ? `expected ${issue.message}` : issue.message
      return [{ field: path.map((part) => shorten(part)).join('.'), message }]
    }),
  )
}

/** One complaint a field: an empty name is too short and also of the wrong form, which helps nobody. */
function invalid(all: readonly { readonly field: string; readonly message: string }[]): PortalError {
  const errors = [...new Map(all.toReversed().map((error) => [error.field, error])).values()].toReversed()
  const [first] = errors
  const where = first === undefined || first.field === '' ? '' : `${first.field}: `
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return new PortalError('request.invalid', { detail: `${where}${first?.message ?? ''}${more}`, errors })
}

/** A field name that the caller made up. */
function shorten(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name
}

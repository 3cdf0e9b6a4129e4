import { oc } from '@orpc/contract'
import { z } from 'zod'
import { revision } from './fields.ts'
import { operationErrors } from './problems.ts'
import type { AdminRoute } from './routes.ts'
import { adminResourceServer } from './scopes.ts'

/** What the OpenAPI document says of an operation in words. */
export interface OperationWords {
  readonly tags: readonly string[]
  readonly summary: string
  readonly description?: string
}

/** The name of the security scheme in the OpenAPI document. */
export const securityScheme = 'adminToken'

const scoped = oc.$route({ inputStructure: 'detailed' }).errors(operationErrors)

/**
 * The beginning of every operation; its scope comes with its route. Input is `detailed`: path, query and body stay apart, so that no part
 * can shadow another and a query string on an operation that takes none is refused like any unknown field.
 */
export function operation(route: AdminRoute, { tags, ...words }: OperationWords) {
  const { method, path, successStatus, scope, idempotencyKey } = route
  return scoped.route({
    method,
    path,
    ...(successStatus === undefined ? {} : { successStatus }),
    ...words,
    tags: [...tags],
    spec: (current) => ({
      ...current,
      security: [{ [securityScheme]: [`${adminResourceServer}/${scope}`] }],
      ...(idempotencyKey ? { parameters: [...(current.parameters ?? []), idempotencyKeyParameter] } : {}),
    }),
  })
}

/** Printable ASCII without quotes; long enough that it cannot be guessed when it is random, because answers are sealed under it. */
export const idempotencyKeyPattern: RegExp = /^[A-Za-z0-9._~:/+=-]{22,128}$/

const idempotencyKeyParameter = {
  name: 'Idempotency-Key',
  in: 'header' as const,
  required: false,
  description:
    'A random name for this attempt. Sent again within 24 hours by the same caller with the same request, the answer is the same and nothing is done twice. The answer is kept sealed under it: make it anew for every attempt, from at least 128 random bits.',
  schema: { type: 'string' as const, pattern: idempotencyKeyPattern.source },
}

/** The body of an action that needs to be told nothing: absent or `{}`. */
export const emptyBody = z.strictObject({}).optional()

/** The body of an action on one thing: the revision that the caller has seen, or nothing. */
export const revisionBody = z.strictObject({ revision: revision.optional() }).optional()

/** A page of a list; `next_cursor` is absent on the last. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ items: z.array(item), next_cursor: z.string().optional() })
}

/** The answer to a removal: nothing. */
export const empty = z.strictObject({})

import { oc } from '@orpc/contract'
import { z } from 'zod'
import { operationErrors } from './problems.ts'

/**
 * The beginning of every operation. Input is `detailed`: path, query and body stay apart, so that no part can shadow another and a
 * query string on an operation that takes none is refused like any unknown field.
 */
export const operation = oc.$route({ inputStructure: 'detailed' }).errors(operationErrors)

/** The body of an action that needs to be told nothing: absent or `{}`. */
export const emptyBody = z.strictObject({}).optional()

/** A page of a list; `next_cursor` is absent on the last. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ items: z.array(item), next_cursor: z.string().optional() })
}

/** The answer to a removal: nothing. */
export const empty = z.strictObject({})

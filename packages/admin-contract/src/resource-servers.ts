import { z } from 'zod'
import * as field from './fields.ts'
import { answeredRules, endpointRules } from './endpoint-rules.ts'
import { emptyBody, empty, operation, pageOf } from './operation.ts'
import { adminRoutes } from './routes.ts'

const routes = adminRoutes.resourceServers

const scope = z.strictObject({ name: field.scopeName, description: field.description })
const scopes = z
  .array(scope)
  .max(200)
  .refine((list) => new Set(list.map((item) => item.name)).size === list.length, 'a scope is named twice')

/** An API and the scopes that it offers. */
const resourceServer = z.strictObject({
  name: z.string(),
  audience: z.string(),
  exclusive: z.boolean(),
  scopes: z.array(z.strictObject({ name: z.string(), description: z.string() })),
  token_ttl_seconds: z.int().optional(),
  /** What its calls need; absent: nothing is said here. */
  endpoint_rules: answeredRules.optional(),
  /** With which it introspects; absent until it has a credential. */
  client_id: z.string().optional(),
  created_at: field.epochSeconds,
  updated_at: field.epochSeconds,
  revision: z.int(),
})
export type ResourceServer = z.infer<typeof resourceServer>

const params = z.strictObject({ name: field.resourceServerName })

export const resourceServers = {
  create: operation(routes.create, { tags: ['resource servers'], summary: 'Register an API' })
    .input(
      z.strictObject({
        body: z.strictObject({
          name: field.resourceServerName,
          audience: field.audience,
          scopes: scopes.min(1),
          exclusive: z.boolean().optional(),
          token_ttl_seconds: field.tokenTtlSeconds.optional(),
          endpoint_rules: endpointRules.optional(),
        }),
      }),
    )
    .output(resourceServer),
  list: operation(routes.list, { tags: ['resource servers'], summary: 'List APIs, by name' })
    .input(z.strictObject({ query: field.pageInput.optional() }))
    .output(pageOf(resourceServer)),
  get: operation(routes.get, { tags: ['resource servers'], summary: 'Show an API' })
    .input(z.strictObject({ params }))
    .output(resourceServer),
  update: operation(routes.update, {
    tags: ['resource servers'],
    summary: 'Change an API',
    description:
      'What is absent stays. Whatever makes access smaller ends the tokens of the clients that it concerns. With `force`, removed scopes are taken from the clients that hold them.',
  })
    .input(
      z.strictObject({
        params,
        body: z.strictObject({
          audience: field.audience.optional(),
          set_scopes: scopes.optional(),
          remove_scopes: z.array(field.scopeName).max(200).optional(),
          exclusive: z.boolean().optional(),
          token_ttl_seconds: field.tokenTtlSeconds.nullable().optional(),
          /** Replaces all of them. */
          endpoint_rules: endpointRules.optional(),
          force: z.boolean().optional(),
          revision: field.revision.optional(),
        }),
      }),
    )
    .output(resourceServer),
  delete: operation(routes.delete, {
    tags: ['resource servers'],
    summary: 'Remove an API',
    description: 'With `force=true`, also when clients hold its scopes; they lose them and their tokens end.',
  })
    .input(
      z.strictObject({
        params,
        query: z
          .strictObject({ force: z.enum(['true', 'false']).optional(), revision: field.revisionParameter.optional() })
          .optional(),
      }),
    )
    .output(empty),
  createCredential: operation(routes.createCredential, {
    tags: ['resource servers'],
    summary: 'Make a credential with which the API introspects',
    description: 'Each call makes one more secret for the same client_id. The secret is shown once.',
  })
    .input(z.strictObject({ params, body: emptyBody }))
    .output(z.strictObject({ id: z.string(), client_id: z.string(), client_secret: z.string() })),
}

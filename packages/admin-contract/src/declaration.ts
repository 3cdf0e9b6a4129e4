import { z } from 'zod'
import { declarationDocument } from './declaration-document.ts'
import { answeredRules } from './endpoint-rules.ts'
import { operation } from './operation.ts'
import { adminRoutes } from './routes.ts'

const routes = adminRoutes.declaration

const value = z.union([z.string(), z.number(), z.boolean()]).nullable()

/** One thing that changes. `before` is null for what is added, `after` for what is taken away; both scalars, a list has one change an item. */
const declarationChange = z.strictObject({ field: z.string(), before: value, after: value })
export type DeclarationChange = z.infer<typeof declarationChange>

/** What has to be done to one resource server or client. */
const declarationStep = z.strictObject({
  action: z.enum(['create', 'update', 'delete']),
  kind: z.enum(['resource_server', 'client']),
  /** The resource server's name, or the client_id. */
  id: z.string(),
  /** The client's name for people; absent for a resource server. */
  name: z.string().optional(),
  changes: z.array(declarationChange),
  /** Clients whose tokens end with this step. */
  ends_tokens_of: z.array(z.string()),
})
export type DeclarationStep = z.infer<typeof declarationStep>

/** What applying a document would do now. */
const declarationPlan = z.strictObject({
  /** Names this plan, and the revisions it starts from: `apply` with another is refused. */
  digest: z.string(),
  steps: z.array(declarationStep),
  /** What the registry has and the document does not name; it stays. */
  not_in_file: z.strictObject({ resource_servers: z.array(z.string()), clients: z.array(z.string()) }),
  /** Why the document cannot be applied: nothing would be done. `field` is a dotted path within the document, or empty. */
  problems: z.array(z.strictObject({ field: z.string(), message: z.string() })),
})
export type DeclarationPlan = z.infer<typeof declarationPlan>

const exportedNetwork = z.strictObject({
  mode: z.string().optional(),
  allow: z.array(z.strictObject({ cidr: z.string(), note: z.string().optional(), until: z.string().optional() })),
  covers: z
    .strictObject({
      token_endpoint: z.boolean(),
      apis: z.array(z.strictObject({ name: z.string(), endpoints: z.array(z.string()).optional() })),
    })
    .optional(),
})

/** A document as `export` gives it: of the same shape, and without the bounds of one that is sent. */
const declarationExport = z.strictObject({
  latchkey: z.literal(1),
  resource_servers: z.array(
    z.strictObject({
      name: z.string(),
      audience: z.string(),
      exclusive: z.boolean().optional(),
      token_ttl_seconds: z.int().optional(),
      scopes: z.array(z.strictObject({ name: z.string(), description: z.string().optional() })),
      endpoint_rules: answeredRules.optional(),
    }),
  ),
  clients: z.array(
    z.strictObject({
      client_id: z.string(),
      name: z.string(),
      state: z.enum(['enabled', 'disabled']).optional(),
      authentication: z.string().optional(),
      token_ttl_seconds: z.int().optional(),
      contact_address: z.string().optional(),
      network: exportedNetwork.optional(),
      scopes: z.array(z.string()),
      scope_ends: z.record(z.string(), z.string()).optional(),
    }),
  ),
})
export type DeclarationExport = z.infer<typeof declarationExport>

const wish = {
  document: declarationDocument,
  /** Also delete what the sections of the document do not name. */
  prune: z.boolean().optional(),
}

export const declaration = {
  plan: operation(routes.plan, {
    tags: ['declaration'],
    summary: 'Say what applying a document would do',
    description: 'Changes nothing.',
  })
    .input(z.strictObject({ body: z.strictObject(wish) }))
    .output(declarationPlan),
  apply: operation(routes.apply, {
    tags: ['declaration'],
    summary: 'Make the registry what a document says',
    description:
      'All of it or nothing, in one transaction. With the `digest` of a plan, exactly that plan or nothing. Makes no secret: a new client gets its first one from `secrets.add`.',
  })
    .input(
      z.strictObject({
        body: z.strictObject({
          ...wish,
          digest: z
            .string()
            .regex(/^[A-Za-z0-9_-]{43}$/, 'the digest of a plan')
            .optional(),
        }),
      }),
    )
    .output(z.strictObject({ steps: z.array(declarationStep) })),
  export: operation(routes.export, {
    tags: ['declaration'],
    summary: 'Give the registry as a document',
    description: 'One that `apply` takes, and then finds nothing to do. Holds no secret.',
  })
    .input(z.strictObject({}))
    .output(declarationExport),
}

import { z } from 'zod'
import * as field from './fields.ts'
import * as network from './network.ts'
import { empty, operation, pageOf, revisionBody } from './operation.ts'
import { adminRoutes } from './routes.ts'
import { registeredKey } from './registered-keys.ts'
import { registeredSubject } from './registered-subjects.ts'
import { secret } from './secrets.ts'

const routes = adminRoutes.clients

const clientShape = {
  client_id: z.string(),
  name: z.string(),
  state: z.enum(['enabled', 'disabled']),
  authentication: field.authentication,
  scopes: z.array(z.string()),
  /** Until when it holds a scope; absent where none ends. */
  scope_ends: z.record(z.string(), field.epochSeconds).optional(),
  /** Whom to write to about its credentials. */
  contact_address: z.string().optional(),
  token_ttl_seconds: z.int().optional(),
  /** Where it may call from; absent: from anywhere. */
  network: network.networkPolicy.optional(),
  created_at: field.epochSeconds,
  updated_at: field.epochSeconds,
  revision: z.int(),
}

/** A partner's program and what it is granted. */
const client = z.strictObject(clientShape)
export type Client = z.infer<typeof client>

const networkVerdict = z.enum(['not_covered', 'allowed', 'would_refuse', 'not_allowed'])

/** What was asked beside the token request: a call of an API from the address. */
const callPreview = z.strictObject({
  api: z.string(),
  /** Absent: any call of it. */
  endpoint: z.string().optional(),
  verdict: networkVerdict,
  explanation: z.string(),
})

const placePreview = {
  /** Where the question is about; absent: it was not asked. */
  address: z.strictObject({ seen: z.string(), verdict: networkVerdict, explanation: z.string() }).optional(),
  call: callPreview.optional(),
}

/** What a token request of this client would come to. */
const grantPreview = z.discriminatedUnion('granted', [
  z.strictObject({
    granted: z.literal(true),
    scopes: z.array(z.string()),
    audience: z.array(z.string()),
    expires_in: z.int(),
    ...placePreview,
  }),
  z.strictObject({
    granted: z.literal(false),
    /** Precise, for the administrator; the caller would only see `error`. */
    reason: z.string(),
    /** RFC 6749 §5.2. */
    error: z.string(),
    explanation: z.string(),
    ...placePreview,
  }),
])
export type GrantPreview = z.infer<typeof grantPreview>

const params = z.strictObject({ client_id: field.clientId })
const scopes = z.array(field.scope).max(200)

export const clients = {
  create: operation(routes.create, {
    tags: ['clients'],
    summary: 'Register a client',
    description:
      'Answers with a delivery link, by which the client gets its first credential; with `show_secret` with the secret itself, once; with `link: false` with neither.',
  })
    .input(
      z.strictObject({
        body: z.strictObject({
          name: field.displayName,
          scopes: scopes.min(1),
          /** Absent: by secret. */
          authentication: field.authentication.optional(),
          contact_address: field.contactAddress.optional(),
          token_ttl_seconds: field.tokenTtlSeconds.optional(),
          /** Absent: it may call from anywhere. */
          network: network.newNetwork.optional(),
          secret_expires_in: field.expiresInSeconds.optional(),
          /** True: no link; the secret is made now and answered. */
          show_secret: z.boolean().optional(),
          /** False: no link; a certificate, a registered key or a secret comes by an operation of its own. */
          link: z.boolean().optional(),
        }),
      }),
    )
    .output(
      z.strictObject({
        ...clientShape,
        /** With `show_secret`; otherwise the four below. */
        client_secret: z.string().optional(),
        link_id: z.string().optional(),
        delivery_link: z.string().optional(),
        link_expires_at: field.epochSeconds.optional(),
        /** Whom the server has sent the link by mail; absent: nobody, so that it has to be handed over. */
        mailed_to: z.string().optional(),
      }),
    ),
  list: operation(routes.list, { tags: ['clients'], summary: 'List clients, oldest first' })
    .input(
      z.strictObject({
        query: z
          .strictObject({
            ...field.pageInput.shape,
            state: z.enum(['enabled', 'disabled']).optional(),
            /** One that they are granted; none is granted what is not registered. */
            scope: field.scope.optional(),
          })
          .optional(),
      }),
    )
    .output(pageOf(client)),
  get: operation(routes.get, {
    tags: ['clients'],
    summary: 'Show a client, its secrets, and the keys and names that are registered for it',
  })
    .input(z.strictObject({ params }))
    .output(
      z.strictObject({
        ...clientShape,
        secrets: z.array(secret),
        registered_keys: z.array(registeredKey),
        registered_subjects: z.array(registeredSubject),
      }),
    ),
  update: operation(routes.update, {
    tags: ['clients'],
    summary: 'Change a client',
    description:
      'What is absent stays. Taking a scope away, an earlier end of one, shortening its tokens, another way to authenticate, or fewer places to call from, ends the tokens that it has.',
  })
    .input(
      z.strictObject({
        params,
        body: z.strictObject({
          name: field.displayName.optional(),
          authentication: field.authentication.optional(),
          add_scopes: scopes.optional(),
          remove_scopes: scopes.optional(),
          /** By scope, when it ends; null: it does not. */
          scope_ends: z.record(field.scope, field.endSeconds.nullable()).optional(),
          contact_address: field.contactAddress.nullable().optional(),
          token_ttl_seconds: field.tokenTtlSeconds.nullable().optional(),
          /** Null lifts the policy: it may call from anywhere. */
          network: network.networkChange.nullable().optional(),
          revision: field.revision.optional(),
        }),
      }),
    )
    .output(client),
  delete: operation(routes.delete, { tags: ['clients'], summary: 'Remove a client, its secrets and its tokens' })
    .input(
      z.strictObject({ params, query: z.strictObject({ revision: field.revisionParameter.optional() }).optional() }),
    )
    .output(empty),
  disable: operation(routes.disable, { tags: ['clients'], summary: 'Disable a client, which ends its tokens' })
    .input(z.strictObject({ params, body: revisionBody }))
    .output(client),
  enable: operation(routes.enable, { tags: ['clients'], summary: 'Enable a client again, which revives no token' })
    .input(z.strictObject({ params, body: revisionBody }))
    .output(client),
  test: operation(routes.test, {
    tags: ['clients'],
    summary: 'Whether a token request would be granted, and why not',
    description: 'Issues nothing.',
  })
    .input(
      z.strictObject({
        params,
        body: z
          .strictObject({
            scope: field.scopeParameter.optional(),
            resource: field.resourceParameters.optional(),
            /** Where the client would call from. */
            address: network.sourceAddress.optional(),
            /** With `address`: would a call of this API be let through? */
            api: field.resourceServerName.optional(),
            /** Of that API: `POST /configurations/7`; absent: any call. */
            endpoint: network.endpointPattern.optional(),
          })
          .optional(),
      }),
    )
    .output(grantPreview),
}

import type { FastifyReply } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { configurationInputSchema, configurationSchema, type Configuration } from './configuration.ts'
import type { ConfigurationStore } from './configuration-store.ts'
import { entityTag, matchesRevision } from './entity-tag.ts'
import { sendProblem } from './problem.ts'

// What a route needs stands at the route. One that says nothing would not start.
const read = { guard: { scopes: ['configurations/configurations.read'] } }
const write = { guard: { scopes: ['configurations/configurations.write'] } }

/** An opaque cursor to callers: base64url of the last position of the page before. */
const cursor = z
  .string()
  .max(32)
  .transform((text) => Buffer.from(text, 'base64url').toString('latin1'))
  .pipe(z.string().regex(/^[1-9]\d{0,14}$/, 'Not a cursor of this list'))
  .transform(Number)

const listQuery = z.strictObject({
  product: z.string().min(1).max(200).optional(),
  limit: z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number)
    .pipe(z.number().min(1).max(100))
    .default(20),
  cursor: cursor.optional(),
})
/** `next_cursor` is absent on the last page. */
const page = z.strictObject({ items: z.array(configurationSchema), next_cursor: z.string().optional() })
const params = z.strictObject({ id: z.uuid() })
const preconditions = z.object({ 'if-match': z.string().max(1000).optional() })

/** `/configurations`: list, read, create, replace, delete. */
export const configurationRoutes: FastifyPluginAsyncZod<{ store: ConfigurationStore }> = async (app, { store }) => {
  app.get(
    '/configurations',
    { config: read, schema: { querystring: listQuery, response: { 200: page } } },
    async ({ query }) => {
      const { items, nextAfter } = store.list({ product: query.product, limit: query.limit, after: query.cursor ?? 0 })
      return { items: [...items], ...(nextAfter !== undefined && { next_cursor: writeCursor(nextAfter) }) }
    },
  )

  app.get(
    '/configurations/:id',
    { config: read, schema: { params, response: { 200: configurationSchema } } },
    async (request, reply) => {
      const found = store.find(request.params.id)
      return found === undefined ? unknown(reply) : tagged(reply, found).send(found)
    },
  )

  app.post(
    '/configurations',
    { config: write, schema: { body: configurationInputSchema, response: { 201: configurationSchema } } },
    async (request, reply) => {
      const created = store.create(request.body)
      if (created === 'name_taken') return nameTaken(reply)
      return tagged(reply, created).code(201).header('location', `/configurations/${created.id}`).send(created)
    },
  )

  app.put(
    '/configurations/:id',
    {
      config: write,
      schema: {
        params,
        headers: preconditions,
        body: configurationInputSchema,
        response: { 200: configurationSchema },
      },
    },
    async (request, reply) => {
      // Nothing is awaited between this look and the change, so no other request can come between.
      const current = store.find(request.params.id)
      if (current === undefined) return unknown(reply)
      if (!matchesRevision(request.headers['if-match'], current.revision)) return changed(reply)
      const replaced = store.replace(current.id, request.body)
      if (replaced === 'unknown') return unknown(reply)
      if (replaced === 'name_taken') return nameTaken(reply)
      return tagged(reply, replaced).send(replaced)
    },
  )

  app.delete(
    '/configurations/:id',
    { config: write, schema: { params, headers: preconditions } },
    async (request, reply) => {
      const current = store.find(request.params.id)
      if (current === undefined) return unknown(reply)
      if (!matchesRevision(request.headers['if-match'], current.revision)) return changed(reply)
      store.remove(current.id)
      return reply.code(204).send()
    },
  )
}

function writeCursor(position: number): string {
  return Buffer.from(String(position), 'latin1').toString('base64url')
}

function tagged<Reply extends FastifyReply>(reply: Reply, { revision }: Configuration): Reply {
  reply.header('etag', entityTag(revision))
  return reply
}

function unknown(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, 404, 'not_found', 'There is no such configuration')
}

function nameTaken(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, 409, 'name_taken', 'The product already has a configuration of that name')
}

function changed(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, 412, 'revision_mismatch', 'The configuration was changed in the meantime. Read it again')
}

import { adminRoutes, backupRoute, type AdminRoute } from '@latchkey/admin-contract'
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start-test-server.ts'
import { adminSender, remoteSender } from './testing/admin-request.ts'

interface Operation {
  readonly summary?: string
  readonly security?: Readonly<Record<string, string[]>>[]
  readonly parameters?: { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>
}

let server: TestServer
let document: {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly securitySchemes: Readonly<
      Record<string, { flows: { clientCredentials: { tokenUrl: string; scopes: Record<string, string> } } }>
    >
  }
}

const routes: AdminRoute[] = [
  ...Object.values<Readonly<Record<string, AdminRoute>>>(adminRoutes).flatMap((verbs) => Object.values(verbs)),
  backupRoute,
]

beforeAll(async () => {
  server = await startTestServer()
  const answer = await adminSender(server.adminSocket)('GET', '/openapi.json')
  document = answer.body as unknown as typeof document
})

afterAll(async () => {
  await server.dispose()
})

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1, by a validator that is not ours', async () => {
    const validator = new Validator()
    expect(await validator.validate(structuredClone(document))).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
    expect(document.openapi).toMatch(/^3\.1\./)
  })

  it('would not be, if an operation lacked its answers', async () => {
    const broken = structuredClone(document) as { paths: Record<string, Record<string, object>> }
    for (const operation of Object.values(broken.paths['/clients'] ?? {}))
      Object.assign(operation, { responses: 'none' })
    expect(await new Validator().validate(broken)).toMatchObject({ valid: false })
  })

  it.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s: scope, words, problems',
    (_title, route) => {
      const operation = document.paths[route.path]?.[route.method.toLowerCase()]
      const [scheme] = Object.keys(document.components.securitySchemes)
      expect(operation?.security).toEqual([{ [String(scheme)]: [`latchkey/${route.scope}`] }])
      expect(operation?.summary?.length).toBeGreaterThan(5)
      for (const status of ['400', '401', '403', '413', '415', '503']) {
        expect(Object.keys(operation?.responses[status]?.content ?? {})).toEqual(['application/problem+json'])
      }
      expect(Object.keys(operation?.responses ?? {})).toContain(String(route.successStatus ?? 200))
      const headers = (operation?.parameters ?? []).filter((parameter) => parameter.in === 'header')
      expect(headers.map(({ name }) => name)).toEqual(route.idempotencyKey ? ['Idempotency-Key'] : [])
    },
  )

  it('describes no other operation', () => {
    const described = Object.values(document.paths).flatMap((methods) => Object.keys(methods))
    expect(described).toHaveLength(routes.length)
  })

  it('says where tokens are had, and what every scope is for', () => {
    const [scheme] = Object.values(document.components.securitySchemes)
    const flow = scheme?.flows.clientCredentials
    expect(flow?.tokenUrl).toBe(server.tokenEndpoint)
    for (const { scope } of routes) expect(flow?.scopes[`latchkey/${scope}`]).toMatch(/\w/)
  })

  it('is the same on the admin listener, for anyone', async () => {
    expect((await remoteSender(server.adminUrl)('GET', '/openapi.json')).body).toEqual(document)
  })
})

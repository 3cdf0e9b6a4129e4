import {
  adminContract,
  adminPrefix,
  adminResourceServer,
  adminScopes,
  backupRoute,
  problem,
  securityScheme,
} from '@latchkey/admin-contract'
import { OpenAPIGenerator } from '@orpc/openapi'
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4'
import { problemMediaType } from './problem.ts'

/** The admin API as an OpenAPI 3.1 document, made from the contract alone but for where tokens are had. */
export async function openApiDocument(version: string, tokenEndpoint: string): Promise<object> {
  const generator = new OpenAPIGenerator({ schemaConverters: [new ZodToJsonSchemaConverter()] })
  const document = await generator.generate(adminContract, {
    info: {
      title: 'Latchkey admin API',
      version,
      description: 'Administration of a Latchkey authorization server. Times are whole seconds since 1970.',
    },
    servers: [{ url: adminPrefix }],
    components: { securitySchemes: { [securityScheme]: securityOf(tokenEndpoint) } },
    commonSchemas: { Problem: { schema: problem, strategy: 'output' } },
    customErrorResponseBodySchema: { $ref: '#/components/schemas/Problem' },
  })
  document.paths = { ...document.paths, [backupRoute.path]: { get: backupOperation() } }
  for (const path of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(path ?? {})) {
      if (typeof operation === 'object' && 'responses' in operation) nameProblemMediaType(operation.responses)
    }
  }
  return document
}

/** The local socket asks for none of this; the document describes the API as it stands on the network. */
function securityOf(tokenUrl: string) {
  const scopes = Object.entries(adminScopes).map(([name, meaning]) => [`${adminResourceServer}/${name}`, meaning])
  return {
    type: 'oauth2' as const,
    description: 'An access token of this server. Its scopes are in no default grant: ask for them by name.',
    flows: { clientCredentials: { tokenUrl, scopes: Object.fromEntries(scopes) as Record<string, string> } },
  }
}

/** The one operation whose answer is a stream, which the contract cannot say. */
function backupOperation() {
  const problemResponse = (description: string) => ({
    description,
    content: { [problemMediaType]: { schema: { $ref: '#/components/schemas/Problem' } } },
  })
  return {
    operationId: 'backup.take',
    summary: 'Take a backup',
    description:
      'Everything in the database, as one file. Broken off when it fails: what was read until then is worth nothing.',
    tags: ['server'],
    security: [{ [securityScheme]: [`${adminResourceServer}/${backupRoute.scope}`] }],
    responses: {
      '200': { description: 'The file', content: { 'application/gzip': {} } },
      '400': problemResponse('400'),
      '401': problemResponse('401'),
      '403': problemResponse('403'),
      '413': problemResponse('413'),
      '415': problemResponse('415'),
      '500': problemResponse('500'),
      '503': problemResponse('503'),
    },
  }
}

/** The generator only knows `application/json`; errors are problem documents. */
function nameProblemMediaType(responses: object | undefined): void {
  for (const [status, response] of Object.entries(responses ?? {}) as [
    string,
    { content?: Record<string, unknown> },
  ][]) {
    const schema = response.content?.['application/json']
    if (Number(status) >= 400 && schema !== undefined) response.content = { [problemMediaType]: schema }
  }
}

import { adminContract, adminPrefix, problem } from '@latchkey/admin-contract'
import { OpenAPIGenerator } from '@orpc/openapi'
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4'
import { problemMediaType } from './problem.ts'

/** The admin API as an OpenAPI 3.1 document, made from the contract alone. */
export async function openApiDocument(version: string): Promise<object> {
  const generator = new OpenAPIGenerator({ schemaConverters: [new ZodToJsonSchemaConverter()] })
  const document = await generator.generate(adminContract, {
    info: {
      title: 'Latchkey admin API',
      version,
      description: 'Administration of a Latchkey authorization server. Times are whole seconds since 1970.',
    },
    servers: [{ url: adminPrefix }],
    commonSchemas: { Problem: { schema: problem, strategy: 'output' } },
    customErrorResponseBodySchema: { $ref: '#/components/schemas/Problem' },
  })
  for (const path of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(path ?? {})) {
      if (typeof operation === 'object' && 'responses' in operation) nameProblemMediaType(operation.responses)
    }
  }
  return document
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

import type {
  AnySchema,
  ContractProcedure,
  ContractRouterClient,
  ErrorMap,
  InferSchemaInput,
  InferSchemaOutput,
  Meta,
} from '@orpc/contract'
import { audit } from './audit.ts'
import { clients } from './clients.ts'
import { declaration } from './declaration.ts'
import { keys } from './keys.ts'
import { links } from './links.ts'
import { resourceServers } from './resource-servers.ts'
import { secrets } from './secrets.ts'
import { server } from './server.ts'
import { tokens } from './tokens.ts'

/** Every operation of the admin API: the server's routes, the OpenAPI document and the typed clients all come from it. */
export const adminContract = { resourceServers, clients, secrets, links, tokens, keys, audit, declaration, server }

export type AdminContract = typeof adminContract

/** The admin API as a caller sees it. */
export type AdminClient = ContractRouterClient<AdminContract>

/** What an operation is handed: its input after validation. */
export type OperationInput<Procedure> =
  Procedure extends ContractProcedure<infer Input, AnySchema, ErrorMap, Meta> ? InferSchemaOutput<Input> : never

/** What an operation must answer, before validation. */
export type OperationOutput<Procedure> =
  Procedure extends ContractProcedure<AnySchema, infer Output, ErrorMap, Meta> ? InferSchemaInput<Output> : never

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
import { authorities } from './authorities.ts'
import { certificates } from './certificates.ts'
import { clients } from './clients.ts'
import { declaration } from './declaration.ts'
import { keys } from './keys.ts'
import { links } from './links.ts'
import { invitations, requests } from './requests.ts'
import { registeredKeys } from './registered-keys.ts'
import { registeredSubjects } from './registered-subjects.ts'
import { resourceServers } from './resource-servers.ts'
import { secrets } from './secrets.ts'
import { server } from './server.ts'
import { tokens } from './tokens.ts'

/** Named one by one: all of it inferred at once is more than the compiler writes down. No interface: the libraries take none for a router. */
export type AdminContract = {
  readonly resourceServers: typeof resourceServers
  readonly clients: typeof clients
  readonly secrets: typeof secrets
  readonly links: typeof links
  readonly requests: typeof requests
  readonly invitations: typeof invitations
  readonly authorities: typeof authorities
  readonly certificates: typeof certificates
  readonly registeredKeys: typeof registeredKeys
  readonly registeredSubjects: typeof registeredSubjects
  readonly tokens: typeof tokens
  readonly keys: typeof keys
  readonly audit: typeof audit
  readonly declaration: typeof declaration
  readonly server: typeof server
}

/** Every operation of the admin API: the server's routes, the OpenAPI document and the typed clients all come from it. */
export const adminContract: AdminContract = {
  resourceServers,
  clients,
  secrets,
  links,
  requests,
  invitations,
  authorities,
  certificates,
  registeredKeys,
  registeredSubjects,
  tokens,
  keys,
  audit,
  declaration,
  server,
}

/** The admin API as a caller sees it. */
export type AdminClient = ContractRouterClient<AdminContract>

/** What an operation is handed: its input after validation. */
export type OperationInput<Procedure> =
  Procedure extends ContractProcedure<infer Input, AnySchema, ErrorMap, Meta> ? InferSchemaOutput<Input> : never

/** What an operation must answer, before validation. */
export type OperationOutput<Procedure> =
  Procedure extends ContractProcedure<AnySchema, infer Output, ErrorMap, Meta> ? InferSchemaInput<Output> : never

import { resourceServerOf, type Scope } from '@latchkey/protocol'
import { compileNetwork } from '../network-policy/compile-network.ts'
import { scopeSet } from '../policy/scope-set.ts'
import type { ResourceServer } from '../resource-servers/resource-server.ts'
import type { ClientCertificate } from './client-certificate.ts'
import type { Client } from './client.ts'
import type {
  CompiledCertificate,
  CompiledClient,
  CompiledCredential,
  CompiledResourceServer,
  CompiledSecret,
  CompiledSubject,
} from './compiled-client.ts'
import type { Credential } from './credential.ts'
import { scopeEndEntries } from './scope-ends.ts'

/** Everything that the store knows of one client, read in one transaction. */
export interface ClientRecord {
  readonly client: Client
  readonly credentials: readonly Credential[]
  readonly certificates: readonly ClientCertificate[]
  /** The resource servers of its granted scopes. */
  readonly resourceServers: readonly ResourceServer[]
}

/** Turns the store's record into what the token path reads. Throws when the record contradicts itself. */
export function compileClient(record: ClientRecord): CompiledClient {
  const { client, credentials } = record
  const servers = new Map(record.resourceServers.map((server) => [server.name, compileResourceServer(server)]))
  const grants = new Map<Scope, CompiledResourceServer>()
  for (const scope of client.scopes) {
    const server = servers.get(resourceServerOf(scope) ?? '')
    if (server === undefined)
      throw new Error(`client ${client.clientId} holds ${scope}, whose resource server is not registered`)
    grants.set(scope, server)
  }
  const local = credentials.find((credential) => credential.kind === 'local')
  if (local === undefined) throw new Error(`client ${client.clientId} has no local credential`)
  const scopeEnds = new Map(scopeEndEntries(client.scopeEnds))
  return {
    clientId: client.clientId,
    kind: client.kind,
    resourceServer: client.resourceServer,
    state: client.state,
    authentication: client.authentication,
    tokenTtlSeconds: client.tokenTtlSeconds,
    secrets: new Map(credentials.flatMap((credential) => compileSecret(credential))),
    ...compileCertificates(record),
    local,
    network: compileNetwork(client.network),
    grants,
    scopeEnds,
    defaultGrant: scopeSet(
      [...grants].filter(([, server]) => !server.exclusive),
      scopeEnds,
    ),
  }
}

function compileResourceServer(server: ResourceServer): CompiledResourceServer {
  return {
    name: server.name,
    audience: server.audience,
    exclusive: server.exclusive,
    tokenTtlSeconds: server.tokenTtlSeconds,
  }
}

function compileCertificates({
  client,
  credentials,
  certificates,
}: ClientRecord): Pick<CompiledClient, 'certificates' | 'registeredKeys' | 'registeredSubjects'> {
  const byId = new Map(credentials.map((credential) => [credential.id, credential]))
  const issued = new Map<string, CompiledCertificate>()
  const registeredKeys = new Map<string, CompiledCredential>()
  const registeredSubjects: CompiledSubject[] = []
  for (const certificate of certificates) {
    const credential = byId.get(certificate.credentialId)
    if (credential === undefined) throw new Error(`client ${client.clientId} has a certificate without its credential`)
    const { id, reference, generation, expiresAt, revokedAt } = credential
    const compiled = { id, reference, generation, expiresAt, revokedAt }
    switch (certificate.kind) {
      case 'issued':
        issued.set(certificate.thumbprint, { ...compiled, notBefore: certificate.notBefore })
        break
      case 'key':
        registeredKeys.set(certificate.publicKey, compiled)
        break
      case 'subject': {
        const { subjectKind, subject, anchor } = certificate
        registeredSubjects.push({ ...compiled, subjectKind, subject, anchor })
      }
    }
  }
  const isInForce = ({ revokedAt }: CompiledCredential) => revokedAt === undefined
  registeredSubjects.sort((a, b) => Number(isInForce(b)) - Number(isInForce(a)))
  return { certificates: issued, registeredKeys, registeredSubjects }
}

function compileSecret(credential: Credential): [string, CompiledSecret][] {
  const { id, reference, generation, expiresAt, revokedAt, digest, digestKeyId } = credential
  if (digest === undefined || digestKeyId === undefined) return []
  return [
    [id, { id, reference, generation, expiresAt, revokedAt, digest: Buffer.from(digest, 'base64url'), digestKeyId }],
  ]
}

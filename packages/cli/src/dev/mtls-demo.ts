import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import {
  createClientWithoutSecret,
  developmentRootFile,
  issueCertificate,
  type Config,
  type RunningServer,
} from '@latchkey/server'
import { contextOf, grantedToDemo, noRoom } from './demo.ts'

/** A client that has no secret, with what it takes to call as it. Paths as they are to be shown. */
export interface MtlsDemo {
  readonly tokenEndpoint: string
  readonly clientId: string
  readonly certificateFile: string
  readonly keyFile: string
  /** What the server's certificate is trusted by. */
  readonly rootFile: string
}

/**
 * Registers a demo client that authenticates by certificate, and issues it one, unless an earlier start did and it would still be taken. Kept in
 * `<data directory>/mtls/`. Undefined without a listener that asks for certificates.
 */
export async function prepareMtlsDemo(
  server: RunningServer,
  config: Config,
  showPath: (file: string) => string,
): Promise<MtlsDemo | undefined> {
  if (server.mtlsTokenEndpoint === undefined) return undefined
  const folder = path.dirname(developmentRootFile(config))
  const files = {
    clientId: path.join(folder, 'demo-client-id'),
    certificate: path.join(folder, 'demo.pem'),
    key: path.join(folder, 'demo.key'),
  }
  const isThere = Object.values(files).every((file) => existsSync(file))
  const kept = isThere ? readFileSync(files.clientId, 'utf8').trim() : undefined
  const clientId = kept !== undefined && (await wouldBeGranted(server, kept)) ? kept : await makeClient(server, files)
  return {
    tokenEndpoint: server.mtlsTokenEndpoint,
    clientId,
    certificateFile: showPath(files.certificate),
    keyFile: showPath(files.key),
    rootFile: showPath(developmentRootFile(config)),
  }
}

type ClientId = Parameters<RunningServer['services']['clients']['find']>[0]

async function wouldBeGranted({ services }: RunningServer, clientId: string): Promise<boolean> {
  const preview = await services.tokens.preview({ clientId: clientId as ClientId, scope: grantedToDemo().join(' ') })
  return preview.ok && preview.value.granted
}

async function makeClient(
  { services, issuer }: RunningServer,
  files: Readonly<Record<'clientId' | 'certificate' | 'key', string>>,
): Promise<string> {
  const { change, maker } = services
  const input = { name: 'Demo with a certificate', scopes: grantedToDemo(), authentication: 'mtls' as const }
  const created = await createClientWithoutSecret(change, maker, contextOf(services), input)
  if (!created.ok) throw noRoom('demo client with a certificate cannot be made', created.refusal.message)
  const { clientId } = created.value
  const asked = { csr: undefined, lifetimeSeconds: undefined }
  const issued = await issueCertificate(change, { ...maker, issuer }, contextOf(services), clientId, asked)
  if (!issued.ok) throw noRoom('demo certificate cannot be issued', issued.refusal.message)
  const { certificate, chain, privateKey = '' } = issued.value
  write(files.key, privateKey)
  write(files.certificate, certificate.certificate + chain)
  // Last: it says that the others are there.
  write(files.clientId, `${clientId}\n`)
  return clientId
}

/** Whole or not at all, and for this user alone. */
function write(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

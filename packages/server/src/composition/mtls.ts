import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { makeDevelopmentServer } from '../certificate-authority/development-server.ts'
import { handsOnCertificates, type Config } from '../config/config.ts'
import type { Endpoints, Listener } from '../http/listener.ts'
import { readServerCertificate, type TlsFiles } from '../http/server-certificate.ts'
import { Fault } from '../kernel/faults.ts'
import type { Listeners } from './listeners.ts'
import type { OauthSide } from './oauth-endpoints.ts'
import type { Surroundings } from './surroundings.ts'

/** Opens the listener that asks for certificates (RFC 8705), where there is to be one; once there is a data directory. */
export async function openMtlsListener(
  config: Config,
  listeners: Listeners,
  surroundings: Surroundings,
): Promise<Listener | undefined> {
  const listener = config.mtls?.listener
  if (listener === undefined) return undefined
  return listeners.openMtls(listener.port, () => developmentFiles(config, surroundings))
}

/**
 * What the paths of endpoints stand behind where clients are asked for certificates (RFC 8705 §5), by that listener (its port) or by a proxy: what was configured, or the
 * issuer's host and path; undefined where nobody asks.
 */
export function mtlsBase({ mtls }: Config, issuer: string, port: number | undefined): string | undefined {
  if (mtls === undefined) return undefined
  const { hostname, pathname } = new URL(issuer)
  return (mtls.url ?? `https://${hostname}:${port ?? mtls.listener?.port}`) + pathname.replace(/\/$/, '')
}

/** What the public listener serves: where a proxy hands certificates on, what is done by certificate too. */
export function publicEndpointsOf({ proxies }: Config, oauth: OauthSide): Endpoints {
  return handsOnCertificates(proxies) ? new Map([...oauth.mtlsEndpoints, ...oauth.endpoints]) : oauth.endpoints
}

/**
 * What clients have to trust to reach that listener: the root that `dev` made, or what stands above the first certificate of the configured file. PEM;
 * undefined when there is nothing of the kind, as with a certificate of a public authority.
 */
export function serverTrust(config: Config, listeners: Pick<Listeners, 'mtlsCertificate'>): string | undefined {
  const inUse = listeners.mtlsCertificate()
  if (inUse === undefined) return undefined
  if (config.mtls?.listener?.files === undefined) return readFileSync(developmentRootFile(config), 'utf8')
  const [, ...above] = inUse.cert.toString('latin1').match(pemCertificate) ?? []
  return above.length === 0 ? undefined : `${above.join('\n')}\n`
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/** Where `dev` keeps the root by which its clients know it. */
export function developmentRootFile({ dataDirectory }: Pick<Config, 'dataDirectory'>): string {
  return path.join(dataDirectory, 'mtls', 'root.pem')
}

/** A development certificate is replaced when less than this is left of it, in milliseconds. */
const renewBeforeMs = 30 * 86_400_000

/** The certificate of `dev`, made at the first start, and again before it ends or when the server is called otherwise. */
async function developmentFiles(config: Config, { clock, random }: Surroundings): Promise<TlsFiles> {
  const folder = path.dirname(developmentRootFile(config))
  const files = { certificate: path.join(folder, 'server.pem'), key: path.join(folder, 'server.key') }
  const hosts = [...new Set(['localhost', '127.0.0.1', '::1', config.host, ...issuerHost(config)])]
  if (isUsable(files, hosts, clock.now())) return files
  const made = await makeDevelopmentServer(random, hosts, clock.now())
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const [file, pem] of [
    [files.key, made.privateKey],
    [developmentRootFile(config), made.root],
    // Last: it says that the others are there.
    [files.certificate, made.certificate],
  ] as const) {
    writeFileSync(`${file}.new`, pem, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  return files
}

function issuerHost({ issuer }: Config): string[] {
  return issuer === undefined ? [] : [new URL(issuer).hostname.replaceAll(/[[\]]/g, '')]
}

function isUsable(files: TlsFiles, hosts: readonly string[], now: number): boolean {
  if (!existsSync(files.certificate)) return false
  try {
    const current = readServerCertificate(files, now)
    return current.notAfter - now > renewBeforeMs && hosts.every((host) => current.covers(host))
  } catch (error) {
    if (error instanceof Fault) return false
    throw error
  }
}

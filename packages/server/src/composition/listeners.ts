import type { Config } from '../config/config.ts'
import { followCertificate, type FollowedCertificate } from '../http/follow-certificate.ts'
import { maxFormBytes } from '../http/form.ts'
import { openListener, originOf, type Listener } from '../http/listener.ts'
import { knowPeers, type IgnoredForwarding, type Peers } from '../http/peer.ts'
import type { ServerCertificate, TlsFiles } from '../http/server-certificate.ts'
import type { Surroundings } from './surroundings.ts'

/** The listeners of a server, to be opened. */
export interface Listeners {
  openPublic(): Promise<Listener>
  openAdmin(): Promise<Listener>
  /** The one that asks for certificates; `development` makes its own where none is configured. Throws Fault `tls.unusable`. */
  openMtls(port: number, development: () => Promise<TlsFiles>): Promise<Listener>
  /** `http(s)://<host>:<port>` at which the listener itself is reached, whatever stands before it. */
  publicOrigin(actualPort: number): string
  adminOrigin(actualPort: number): string
  /** Reads the TLS certificates again now; without TLS it does nothing. */
  reloadCertificate(): void
  /** The certificate in use; undefined without TLS. */
  certificate(): ServerCertificate | undefined
  /** That of the listener that asks for certificates; undefined without one. */
  mtlsCertificate(): ServerCertificate | undefined
  /** What was ignored last, and how often anything was. */
  ignoredForwarding(): (IgnoredForwarding & { readonly count: number }) | undefined
  readonly peers: Peers
}

/** Reads what they need, so that a certificate that cannot be used shows before anything is opened. Throws Fault `tls.unusable`. */
export function prepareListeners(
  config: Config,
  { clock, random, logger }: Surroundings,
  started: AsyncDisposableStack,
): Listeners {
  const { host, port, adminHost, adminPort, tls, adminTls, mtls, issuer } = config
  const follow = (files: TlsFiles): FollowedCertificate => {
    const followed = followCertificate(files, clock, logger)
    started.defer(() => followed.close())
    return followed
  }
  const certificate = tls && follow(tls)
  let mtlsCertificate = mtls?.listener?.files && follow(mtls.listener.files)
  if (certificate !== undefined) {
    const name = issuer === undefined ? undefined : new URL(issuer).hostname
    if (name !== undefined && !certificate.current().covers(name)) {
      logger.warn({ name }, 'the TLS certificate is not made out to the host of the issuer')
    }
  }
  let ignored: (IgnoredForwarding & { readonly count: number }) | undefined
  const peers = knowPeers(config.proxies, (latest) => {
    ignored = { ...latest, count: (ignored?.count ?? 0) + 1 }
  })
  const shared = { peers, maxBodyBytes: maxFormBytes, clock, random, logger }
  return {
    openPublic: () =>
      openListener({ ...shared, certificate, name: 'public', host, port, portSetting: '--port or LATCHKEY_PORT' }),
    openAdmin: () =>
      openListener({
        ...shared,
        certificate: adminTls && certificate,
        name: 'admin',
        host: adminHost,
        port: adminPort,
        portSetting: '--admin-port or LATCHKEY_ADMIN_PORT',
      }),
    async openMtls(mtlsPort, development) {
      mtlsCertificate ??= follow(await development())
      return openListener({
        ...shared,
        certificate: mtlsCertificate,
        asksForCertificates: true,
        name: 'mtls',
        host,
        port: mtlsPort,
        portSetting: '--mtls-port or LATCHKEY_MTLS_PORT',
      })
    },
    publicOrigin: (actual) => originOf(host, actual, tls ? 'https' : 'http'),
    adminOrigin: (actual) => originOf(adminHost, actual, adminTls ? 'https' : 'http'),
    reloadCertificate() {
      certificate?.reload()
      mtlsCertificate?.reload()
    },
    certificate: () => certificate?.current(),
    mtlsCertificate: () => mtlsCertificate?.current(),
    ignoredForwarding: () => ignored,
    peers,
  }
}

import type { Config } from '../config/config.ts'
import { followCertificate } from '../http/follow-certificate.ts'
import { maxFormBytes } from '../http/form.ts'
import { openListener, originOf, type Listener } from '../http/listener.ts'
import { findAddress, proxyNetworks, type FindAddress, type IgnoredForwarding } from '../http/peer.ts'
import type { ServerCertificate } from '../http/server-certificate.ts'
import type { Surroundings } from './surroundings.ts'

/** The listeners of a server, to be opened. */
export interface Listeners {
  openPublic(): Promise<Listener>
  openAdmin(): Promise<Listener>
  /** `http(s)://<host>:<port>` at which the listener itself is reached, whatever stands before it. */
  publicOrigin(actualPort: number): string
  adminOrigin(actualPort: number): string
  /** Reads the TLS certificate again now; without TLS it does nothing. */
  reloadCertificate(): void
  /** The certificate in use; undefined without TLS. */
  certificate(): ServerCertificate | undefined
  ignoredForwarding(): IgnoredForwarding | undefined
  readonly findAddress: FindAddress
}

/** Reads what they need, so that a certificate that cannot be used shows before anything is opened. Throws Fault `tls.unusable`. */
export function prepareListeners(
  config: Config,
  { clock, random, logger }: Surroundings,
  started: AsyncDisposableStack,
): Listeners {
  const { host, port, adminHost, adminPort, tls, adminTls, issuer } = config
  const certificate = tls && followCertificate(tls, clock, logger)
  if (certificate !== undefined) {
    started.defer(() => certificate.close())
    const name = issuer === undefined ? undefined : new URL(issuer).hostname
    if (name !== undefined && !certificate.current().covers(name)) {
      logger.warn({ name }, 'the TLS certificate is not made out to the host of the issuer')
    }
  }
  const proxies = config.trustedProxies.length === 0 ? undefined : proxyNetworks(config.trustedProxies)
  let ignored: IgnoredForwarding | undefined
  const noteIgnored = (peer: string): void => {
    ignored = { peer, count: (ignored?.count ?? 0) + 1 }
  }
  const shared = { findAddress: findAddress(proxies, noteIgnored), maxBodyBytes: maxFormBytes, clock, random, logger }
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
    publicOrigin: (actual) => originOf(host, actual, tls ? 'https' : 'http'),
    adminOrigin: (actual) => originOf(adminHost, actual, adminTls ? 'https' : 'http'),
    reloadCertificate: () => certificate?.reload(),
    certificate: () => certificate?.current(),
    ignoredForwarding: () => ignored,
    findAddress: shared.findAddress,
  }
}

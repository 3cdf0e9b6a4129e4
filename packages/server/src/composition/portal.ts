import { endpointPaths } from '@latchkey/protocol'
import type { FastifyInstance } from 'fastify'
import { createOcspResponder } from '../certificate-authority/ocsp.ts'
import { createRevocationList } from '../certificate-authority/revocation-list.ts'
import type { RequestDesk } from '../access-requests/desk.ts'
import type { Config } from '../config/config.ts'
import type { Notifier } from '../notices/notifier.ts'
import { mountAccessRequests } from '../portal/access-requests/mount-access-requests.ts'
import { mountCa } from '../portal/ca/mount-ca.ts'
import { mountClaim } from '../portal/claim/mount-claim.ts'
import { mountGuide } from '../portal/guide/mount-guide.ts'
import { mountPages } from '../portal/pages/mount-pages.ts'
import { renewalPath } from '../metadata-endpoint/public-endpoints.ts'
import { createPortalApp, type PortalPart } from '../portal/portal-app.ts'
import type { Core } from './core.ts'
import { serverTrust } from './mtls.ts'
import type { Listeners } from './listeners.ts'
import type { Surroundings } from './surroundings.ts'

/** What people's browsers, and programs that claim a credential, find on the public listener. */
const parts: readonly PortalPart[] = [mountClaim, mountAccessRequests, mountPages, mountGuide, mountCa]

/** Prepares the pages beside the OAuth endpoints; in every process that serves the public listener. Given back with `started`. */
export async function openPortal(
  core: Core,
  config: Config,
  issuer: string,
  mtls: string | undefined,
  listeners: Pick<Listeners, 'peers' | 'mtlsCertificate'>,
  notifier: Notifier,
  requests: RequestDesk,
  { clock, random, logger }: Surroundings,
  started: AsyncDisposableStack,
): Promise<FastifyInstance> {
  const app = await createPortalApp(
    {
      clock,
      random,
      logger,
      issuer,
      tokenEndpoint: issuer + endpointPaths.token,
      mtls:
        mtls === undefined
          ? undefined
          : { tokenEndpoint: mtls + endpointPaths.token, renewEndpoint: mtls + renewalPath },
      maker: { random, dataKeys: core.dataKeys, environment: config.environment },
      findAddress: (message) => listeners.peers.address(message),
      catalogue: () => core.catalogue.current(),
      clients: core.store.clients,
      links: core.store.links,
      certificates: core.store.certificates,
      revocationList: createRevocationList(core.store.certificates, core.dataKeys, clock),
      ocsp: createOcspResponder(core.store.certificates, core.dataKeys, clock),
      serverTrust: () => serverTrust(config, listeners),
      requests,
      notifier,
      change: core.change,
    },
    parts,
  )
  started.defer(() => app.close())
  return app
}

import type { RequestDesk } from '../access-requests/desk.ts'
import type { Change } from '../audit/change.ts'
import type { CertificateReads, CertificateWrites } from '../certificate-authority/ports.ts'
import type { OcspResponder } from '../certificate-authority/ocsp.ts'
import type { RevocationList } from '../certificate-authority/revocation-list.ts'
import type { ClientReads, ClientWrites } from '../clients/ports.ts'
import type { CredentialMaker } from '../clients/secrets.ts'
import type { Peers } from '../http/peer.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import type { LinkReads, LinkWrites } from '../delivery-links/ports.ts'
import type { Notifier } from '../notices/notifier.ts'
import type { NoticeWrites } from '../notices/ports.ts'
import type { Catalogue } from '../resource-servers/catalogue.ts'
import type { ResourceServerWrites } from '../resource-servers/ports.ts'
import type { RevocationWrites } from '../tokens/ports.ts'

/** Everything that the public pages stand on. `composition/portal.ts` fills it. */
export interface PortalServices {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly issuer: string
  readonly tokenEndpoint: string
  /** Where certificates are shown, and renewed; undefined without a listener that asks for them. */
  readonly mtls: { readonly tokenEndpoint: string; readonly renewEndpoint: string } | undefined
  readonly maker: CredentialMaker
  readonly findAddress: Peers['address']
  readonly catalogue: () => Catalogue
  readonly clients: ClientReads
  readonly links: LinkReads
  readonly certificates: CertificateReads
  readonly revocationList: RevocationList
  readonly ocsp: OcspResponder
  /** What clients trust the listener that asks for certificates by, PEM; undefined: nothing of ours. */
  readonly serverTrust: () => string | undefined
  readonly requests: RequestDesk
  readonly notifier: Notifier
  readonly change: Change<{
    readonly clients: ClientWrites
    readonly resourceServers: ResourceServerWrites
    readonly revocations: RevocationWrites
    readonly notices: NoticeWrites
    readonly links: LinkWrites
    readonly certificates: CertificateWrites
  }>
}

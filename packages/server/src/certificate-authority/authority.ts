import type { EpochMs } from '@latchkey/protocol'

/** `root`: signs intermediates only. `intermediate`: signs clients' certificates and revocation lists. */
export type AuthorityKind = 'root' | 'intermediate'

/** A certificate authority at rest. Its private key is sealed under the data key `dataKeyId`, bound to the certificate. */
export interface Authority {
  /** SHA-256 of the certificate, hexadecimal. */
  readonly id: string
  readonly kind: AuthorityKind
  /** PEM. */
  readonly certificate: string
  readonly sealedPrivateKey: string
  readonly dataKeyId: string
  readonly createdAt: EpochMs
  readonly notAfter: EpochMs
}

/** Root and intermediate, as they sign today. */
export interface AuthorityChain {
  readonly root: Authority
  readonly intermediate: Authority
}

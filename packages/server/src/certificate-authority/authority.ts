import type { EpochMs } from '@latchkey/protocol'

/** A certificate of the authority with its private key, sealed under the data key `dataKeyId` and bound to the certificate. */
interface SealedCertificate {
  /** SHA-256 of the certificate, hexadecimal. */
  readonly id: string
  /** PEM. */
  readonly certificate: string
  readonly sealedPrivateKey: string
  readonly dataKeyId: string
  readonly createdAt: EpochMs
  readonly notAfter: EpochMs
}

/** Signs intermediates, and nothing else. There is none where the operator brought an intermediate. */
export interface Root extends SealedCertificate {
  readonly kind: 'root'
}

/** Signs clients' certificates until another takes its place, and after that revocation lists and OCSP answers for those that it signed. */
export interface Authority extends SealedCertificate {
  readonly kind: 'intermediate'
  /** The root above it, PEM: the anchor of clients' certificates. Empty where it is the anchor itself, because its issuer certifies others too. */
  readonly root: string
  /** Its revocation list and certificate are at `/ca/<publishedAs>.crl` and `.cer`: in every certificate that it signed, so for ever. */
  readonly publishedAs: string
  readonly replacedAt: EpochMs | undefined
}

/** What others check clients' certificates by. */
export function anchorOf({ root, certificate }: Authority): string {
  return root === '' ? certificate : root
}

/** What comes after a client's certificate: the intermediate, and the root where that is ours. */
export function chainOf({ certificate, root }: Authority): string {
  return certificate + root
}

/** A key that was made here and waits for its certificate from an authority elsewhere. */
export interface AuthorityRequest {
  /** SHA-256 of its SubjectPublicKeyInfo, hexadecimal. */
  readonly id: string
  /** PKCS #10, PEM. */
  readonly csr: string
  readonly sealedPrivateKey: string
  readonly dataKeyId: string
  readonly createdAt: EpochMs
}

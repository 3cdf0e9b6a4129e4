import type { EpochMs } from '@latchkey/protocol'
import type { ClientId } from '../clients/client.ts'
import type { CredentialId } from '../clients/credential.ts'
import type { Page, PageRequest } from '../kernel/page.ts'
import type { Authority, AuthorityChain } from './authority.ts'
import type { CertificateState, IssuedCertificate, Serial } from './certificate.ts'

export interface CertificateFilter {
  readonly clientId?: ClientId | undefined
  readonly state?: { readonly is: CertificateState; readonly at: EpochMs } | undefined
}

/** What this room reads outside a change. */
export interface CertificateReads {
  /** The authority that signs; undefined before the first certificate was issued. */
  authorities(): Promise<AuthorityChain | undefined>
  find(serial: Serial): Promise<IssuedCertificate | undefined>
  findByThumbprint(thumbprint: string): Promise<IssuedCertificate | undefined>
  /** Newest first. */
  list(page: PageRequest & CertificateFilter): Promise<Page<IssuedCertificate>>
  /** What a revocation list has to name at this moment: revoked, and not expired for long. */
  revoked(now: EpochMs): Promise<readonly Pick<IssuedCertificate, 'serial' | 'revokedAt' | 'revocationReason'>[]>
}

/** What this room does inside a change. A certificate outlives its client: with the client it is revoked. */
export interface CertificateWrites {
  authorities(): Promise<AuthorityChain | undefined>
  insertAuthority(authority: Authority): Promise<void>
  find(serial: Serial): Promise<IssuedCertificate | undefined>
  findByCredential(id: CredentialId): Promise<IssuedCertificate | undefined>
  /** The URI in the client's earlier certificates. */
  subjectUriOf(clientId: ClientId): Promise<string | undefined>
  insert(certificate: IssuedCertificate): Promise<void>
  /** Replaces revocation and reason. */
  update(certificate: IssuedCertificate): Promise<void>
}

import type { EpochMs } from '@latchkey/protocol'
import type { ClientId } from '../clients/client.ts'
import type { CredentialId } from '../clients/credential.ts'
import type { Page, PageRequest } from '../kernel/page.ts'
import type { Authority, AuthorityRequest, Root } from './authority.ts'
import type { CertificateState, IssuedCertificate, Serial } from './certificate.ts'

export interface CertificateFilter {
  readonly clientId?: ClientId | undefined
  readonly state?: { readonly is: CertificateState; readonly at: EpochMs } | undefined
}

/** What this room reads outside a change. */
export interface CertificateReads {
  /** The authority that signs; undefined before the first certificate was issued. */
  authority(): Promise<Authority | undefined>
  /** It and those before it, oldest first. */
  authorities(): Promise<readonly Authority[]>
  authorityRequest(): Promise<AuthorityRequest | undefined>
  /** Ours, while it certifies intermediates. */
  root(): Promise<Root | undefined>
  find(serial: Serial): Promise<IssuedCertificate | undefined>
  findByThumbprint(thumbprint: string): Promise<IssuedCertificate | undefined>
  /** Newest first. */
  list(page: PageRequest & CertificateFilter): Promise<Page<IssuedCertificate>>
  /** What the revocation list of an authority has to name at this moment: revoked, and not expired for long. */
  revoked(
    authorityId: string,
    now: EpochMs,
  ): Promise<readonly Pick<IssuedCertificate, 'serial' | 'revokedAt' | 'revocationReason'>[]>
}

/** What this room does inside a change. A certificate outlives its client: with the client it is revoked. */
export interface CertificateWrites {
  authority(): Promise<Authority | undefined>
  authorities(): Promise<readonly Authority[]>
  /** One signs at a time: fails while another does. */
  insertAuthority(authority: Authority): Promise<void>
  replaceAuthority(id: string, at: EpochMs): Promise<void>
  /** Ours, while it certifies intermediates. */
  root(): Promise<Root | undefined>
  insertRoot(root: Root): Promise<void>
  /** If there is one. */
  replaceRoot(at: EpochMs): Promise<void>
  /** One waits at a time. */
  authorityRequest(): Promise<AuthorityRequest | undefined>
  insertAuthorityRequest(request: AuthorityRequest): Promise<void>
  deleteAuthorityRequest(id: string): Promise<void>
  find(serial: Serial): Promise<IssuedCertificate | undefined>
  findByCredential(id: CredentialId): Promise<IssuedCertificate | undefined>
  /** The URI in the client's earlier certificates. */
  subjectUriOf(clientId: ClientId): Promise<string | undefined>
  insert(certificate: IssuedCertificate): Promise<void>
  /** Replaces revocation and reason. */
  update(certificate: IssuedCertificate): Promise<void>
}

import type { CertificateTransaction } from '../certificate-authority/issue-certificate.ts'
import type { NoticeWrites } from '../notices/ports.ts'
import type { LinkWrites } from './ports.ts'

/** The slices of a change in which links are made, claimed and ended. */
export interface LinkTransaction extends CertificateTransaction {
  readonly links: LinkWrites
  readonly notices: NoticeWrites
}

import type { Serial } from '../../certificate-authority/certificate.ts'
import * as authority from '../../certificate-authority/renew-certificate.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { issuedRecord } from './certificate-record.ts'

/**
 * `POST /certificates/{serial}/renew`: at any time, also after its end. Refuses with `certificate.unknown`, `certificate.ended` (revoked), `certificate.renewed`,
 * `certificate.csr_invalid`, `client.unknown`, `client.disabled`.
 */
export const renewCertificate: Operation<'certificates', 'renew'> = async (context, { params, body }) => {
  const { change, maker, issuer } = context.services
  const input = { csr: body.csr, by: 'team' as const }
  const serial = params.serial as Serial
  const issued = await authority.renewCertificate(change, { ...maker, issuer }, changeContext(context), serial, input)
  return issued.ok ? done(issuedRecord(issued.value)) : issued
}

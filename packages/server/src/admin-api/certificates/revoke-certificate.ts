import type { Serial } from '../../certificate-authority/certificate.ts'
import * as authority from '../../certificate-authority/revoke-certificate.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { certificateRecord } from './certificate-record.ts'

/** `POST /certificates/{serial}/revoke`. Refuses with `certificate.unknown`. */
export const revokeCertificate: Operation<'certificates', 'revoke'> = async (context, { params, body }) => {
  const at = changeContext(context)
  const { change } = context.services
  const revoked = await authority.revokeCertificate(change, at, params.serial as Serial, body?.reason ?? 'unspecified')
  return revoked.ok ? done(certificateRecord(revoked.value, at.now)) : revoked
}

import { toSeconds } from '@latchkey/protocol'
import * as authority from '../../certificate-authority/issue-certificate.ts'
import type { ClientId } from '../../clients/client.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'

/** `POST /clients/{client_id}/certificates`. Refuses with `client.unknown`, `client.is_resource_server`, `certificate.csr_invalid`. */
export const issueCertificate: Operation<'certificates', 'issue'> = async (context, { params, body }) => {
  const { change, maker, issuer } = context.services
  const input = { csr: body.csr, lifetimeSeconds: body.expires_in }
  const clientId = params.client_id as ClientId
  const issued = await authority.issueCertificate(change, { ...maker, issuer }, changeContext(context), clientId, input)
  if (!issued.ok) return issued
  const { certificate, chain, ignored } = issued.value
  return done({
    serial: certificate.serial,
    certificate: certificate.certificate,
    chain,
    not_after: toSeconds(certificate.notAfter),
    ignored: [...ignored],
  })
}

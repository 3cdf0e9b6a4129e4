import * as authority from '../../certificate-authority/issue-certificate.ts'
import type { ClientId } from '../../clients/client.ts'
import { makeProtectedPkcs12, type Pkcs12Content } from '../../certificate-authority/pkcs12.ts'
import type { Random } from '../../kernel/random.ts'
import { refuseChange } from '../../kernel/refusal.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { issuedRecord } from './certificate-record.ts'

/**
 * `POST /clients/{client_id}/certificates`: for the key of a request, or for one that is made here and handed out with it. Refuses with `client.unknown`,
 * `client.is_resource_server`, `certificate.csr_invalid`.
 */
export const issueCertificate: Operation<'certificates', 'issue'> = async (context, { params, body }) => {
  const { change, maker, issuer } = context.services
  if (body.csr !== undefined && body.pkcs12 === true) {
    const message = 'PKCS #12 holds the private key, which a request does not bring: leave out one of the two'
    return refuseChange('certificate.csr_invalid', message, 'pkcs12')
  }
  const input = { csr: body.csr, lifetimeSeconds: body.expires_in }
  const clientId = params.client_id as ClientId
  const issued = await authority.issueCertificate(change, { ...maker, issuer }, changeContext(context), clientId, input)
  if (!issued.ok) return issued
  const { certificate, chain, privateKey } = issued.value
  return done({
    ...issuedRecord(issued.value),
    ...(privateKey === undefined || body.pkcs12 !== true
      ? { private_key: privateKey }
      : await pkcs12(maker.random, { certificate: certificate.certificate, chain, privateKey, name: clientId })),
  })
}

async function pkcs12(random: Random, content: Pkcs12Content) {
  const made = await makeProtectedPkcs12(random, content)
  return { pkcs12: made.pkcs12, pkcs12_password: made.password }
}

import { z } from 'zod'
import * as field from './fields.ts'
import { operation } from './operation.ts'
import { adminRoutes } from './routes.ts'

const routes = adminRoutes.registeredSubjects

const name = z.string().min(1).max(1024)
/** PEM, up to 8 certificates. */
const anchor = z.string().min(1).max(65_536)

/** The name of a client in certificates of a foreign authority, one of the five of RFC 8705 §2.1.2, and that authority. */
export const registeredSubject = z.strictObject({
  id: z.string(),
  kind: z.enum(['subject_dn', 'san_dns', 'san_uri', 'san_ip', 'san_email']),
  subject: z.string(),
  /** PEM: the certificate that is trusted, and after it intermediates below it. */
  anchor: z.string(),
  state: z.enum(['active', 'revoked']),
  created_at: field.epochSeconds,
  last_used_at: field.epochSeconds.optional(),
  revoked_at: field.epochSeconds.optional(),
})
export type RegisteredSubject = z.infer<typeof registeredSubject>

export const registeredSubjects = {
  create: operation(routes.create, {
    tags: ['certificates'],
    summary: 'Register the name of a client in certificates of a foreign authority, and that authority',
    description:
      'Exactly one of the five names (`tls_client_auth_…`, RFC 8705 §2.1.2). Certificates have to lead to the anchor, which counts for this client alone: the first certificate of `anchor` is trusted, those after it are intermediates below it.',
  })
    .input(
      z.strictObject({
        params: z.strictObject({ client_id: field.clientId }),
        body: z.strictObject({
          /** A distinguished name (RFC 4514), as `openssl x509 -noout -subject -nameopt RFC2253` prints it. */
          subject_dn: name.optional(),
          san_dns: name.optional(),
          san_uri: name.optional(),
          san_ip: name.optional(),
          san_email: name.optional(),
          anchor,
        }),
      }),
    )
    .output(registeredSubject),
  revoke: operation(routes.revoke, {
    tags: ['certificates'],
    summary: 'End the registration of a name, and the tokens that were got with it',
  })
    .input(z.strictObject({ params: z.strictObject({ id: field.credentialId }) }))
    .output(registeredSubject),
}

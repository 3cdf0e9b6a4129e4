import { z } from 'zod'
import * as field from './fields.ts'
import { emptyBody, operation } from './operation.ts'
import { adminRoutes } from './routes.ts'

const routes = adminRoutes.authorities

/** An authority of clients' certificates, without its key. */
const authority = z.strictObject({
  /** SHA-256 of its certificate, hexadecimal. */
  id: z.string(),
  /** `signing`: certificates are by it. `replaced`: it signs revocation lists and OCSP answers for those that were. */
  state: z.enum(['signing', 'replaced']),
  subject: z.string(),
  /** PEM. */
  certificate: z.string(),
  /** PEM: what others check clients' certificates by; a root of ours, or the certificate itself. */
  anchor: z.string(),
  /** Whether it can be renewed here, under a root of ours. */
  renewable: z.boolean(),
  revocation_list: z.string(),
  created_at: field.epochSeconds,
  not_after: field.epochSeconds,
  replaced_at: field.epochSeconds.optional(),
})
export type AuthorityRecord = z.infer<typeof authority>

const pem = z.string().min(1).max(16_384)

export const authorities = {
  show: operation(routes.show, {
    tags: ['certificates'],
    summary: 'Show the authorities of clients’ certificates, the one that signs first',
    description: 'None before the first certificate, unless one was brought.',
  })
    .input(z.strictObject({}))
    .output(
      z.strictObject({
        items: z.array(authority),
        /** PKCS #10, PEM: of a key that waits for its certificate. */
        request: z.string().optional(),
      }),
    ),
  request: operation(routes.request, {
    tags: ['certificates'],
    summary: 'Make a key here, and the request by which an authority elsewhere makes it an intermediate',
    description: 'While one waits for its certificate it is answered again; `anew` drops it and makes another.',
  })
    .input(z.strictObject({ body: z.strictObject({ anew: z.boolean().optional() }).optional() }))
    .output(
      z.strictObject({
        /** PKCS #10, PEM. */
        csr: z.string(),
      }),
    ),
  install: operation(routes.install, {
    tags: ['certificates'],
    summary: 'Let an intermediate sign that an authority elsewhere certified',
    description:
      'CA:TRUE with pathlen 0, keyCertSign and cRLSign, a subject key identifier, an EC key, and clientAuth if it has an extended key usage. Without `private_key` it has to be for the request that waits. `root` is a root that certifies nobody else: without it the intermediate alone is the anchor. Certificates by the one before stay good.',
  })
    .input(
      z.strictObject({
        body: z.strictObject({
          /** PEM. */
          certificate: pem,
          /** PEM. */
          root: pem.optional(),
          /** PKCS #8 or SEC1 in PEM, not encrypted. */
          private_key: pem.optional(),
        }),
      }),
    )
    .output(authority),
  rotate: operation(routes.rotate, {
    tags: ['certificates'],
    summary: 'Make another intermediate under this server’s own root, and let it sign',
    description: 'Certificates by the one before stay good.',
  })
    .input(z.strictObject({ body: emptyBody }))
    .output(authority),
}

import { z } from 'zod'
import * as field from './fields.ts'
import { operation, pageOf } from './operation.ts'
import { adminRoutes } from './routes.ts'

const routes = adminRoutes.certificates

const revocationReason = z.enum(['unspecified', 'keyCompromise', 'superseded', 'cessationOfOperation'])

/** A client's certificate, as the authority issued it. */
const certificate = z.strictObject({
  /** 32 hexadecimal digits. */
  serial: z.string(),
  client_id: z.string(),
  state: z.enum(['valid', 'expired', 'revoked']),
  /** PEM. */
  certificate: z.string(),
  /** `x5t#S256` (RFC 8705 §3.1). */
  thumbprint: z.string(),
  /** The URI in it by which it names its client. */
  subject_uri: z.string(),
  not_before: field.epochSeconds,
  not_after: field.epochSeconds,
  created_at: field.epochSeconds,
  created_by: z.string(),
  revoked_at: field.epochSeconds.optional(),
  revocation_reason: revocationReason.optional(),
})
export type CertificateRecord = z.infer<typeof certificate>

/** PEM, or DER in base64. */
const csr = z.string().min(1).max(16_384)

const issuedShape = {
  serial: z.string(),
  /** PEM. */
  certificate: z.string(),
  /** What stands between it and the root, and the root; PEM. */
  chain: z.string(),
  not_after: field.epochSeconds,
  /** What the request asked for in vain, in words. */
  ignored: z.array(z.string()),
}

const issued = z.strictObject(issuedShape)
export type IssuedRecord = z.infer<typeof issued>

export const certificates = {
  issue: operation(routes.issue, {
    tags: ['certificates'],
    summary: 'Issue a certificate to a client, for the key of its request or for a new one',
    description:
      'The request (PKCS #10) gives its public key and nothing else: P-256, and signed by that key. Without one a key is made here and answered, once. The authority is made at the first certificate.',
  })
    .input(
      z.strictObject({
        params: z.strictObject({ client_id: field.clientId }),
        body: z.strictObject({
          csr: csr.optional(),
          /** Only without `csr`: the key, the certificate and its chain as PKCS #12 with a generated password, instead of PEM. */
          pkcs12: z.boolean().optional(),
          /** An hour to 90 days, which is the default. */
          expires_in: z.int().min(3600).max(7_776_000).optional(),
        }),
      }),
    )
    .output(
      z.strictObject({
        ...issuedShape,
        /** PKCS #8, PEM: where it was made here, and not asked for as PKCS #12. */
        private_key: z.string().optional(),
        /** PKCS #12 (RFC 7292), base64, with key, certificate and chain. */
        pkcs12: z.string().optional(),
        pkcs12_password: z.string().optional(),
      }),
    ),
  renew: operation(routes.renew, {
    tags: ['certificates'],
    summary: 'Issue the certificate that follows another, for a new key',
    description:
      'The old one stays good until its end or its revocation. Clients do it themselves, in the last third of its life, at `POST /ca/renew` of the listener that asks for certificates.',
  })
    .input(
      z.strictObject({
        params: z.strictObject({ serial: field.serial }),
        body: z.strictObject({ csr }),
      }),
    )
    .output(issued),
  list: operation(routes.list, { tags: ['certificates'], summary: 'List certificates, newest first' })
    .input(
      z.strictObject({
        query: z
          .strictObject({
            ...field.pageInput.shape,
            client_id: field.clientId.optional(),
            state: z.enum(['valid', 'expired', 'revoked']).optional(),
          })
          .optional(),
      }),
    )
    .output(pageOf(certificate)),
  revoke: operation(routes.revoke, {
    tags: ['certificates'],
    summary: 'Revoke a certificate',
    description: 'It is in the revocation list from then on, and its tokens end.',
  })
    .input(
      z.strictObject({
        params: z.strictObject({ serial: field.serial }),
        body: z.strictObject({ reason: revocationReason.optional() }).optional(),
      }),
    )
    .output(certificate),
}

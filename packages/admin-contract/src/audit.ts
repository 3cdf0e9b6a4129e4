import { z } from 'zod'
import * as field from './fields.ts'
import { operation, pageOf } from './operation.ts'
import { adminRoutes } from './routes.ts'

const routes = adminRoutes.audit

/** One audit entry, administrative or of a token request. */
const auditEntry = z.strictObject({
  /** Seconds, rounded down. */
  at: field.epochSeconds,
  event: z.string(),
  request_id: z.string(),
  /** `local-socket`, or a client_id; empty for a caller that did not say who it is. */
  actor: z.string(),
  subject: z.string(),
  details: z.record(z.string(), z.unknown()),
})
export type AuditEntry = z.infer<typeof auditEntry>

/** What the verification of the audit log found, and what it could not have found. */
const auditReport = z.strictObject({
  /** False when there is any problem. */
  intact: z.boolean(),
  checked: z.strictObject({ rows: z.int(), logs: z.int(), segments: z.int(), records: z.int() }),
  findings: z.array(
    z.strictObject({
      severity: z.enum(['problem', 'warning', 'note']),
      kind: z.string(),
      where: z.string(),
      message: z.string(),
    }),
  ),
  limits: z.array(z.string()),
})
export type AuditReport = z.infer<typeof auditReport>

export const audit = {
  list: operation(routes.list, { tags: ['audit'], summary: 'List audit entries, newest first' })
    .input(
      z.strictObject({
        query: z
          .strictObject({
            ...field.pageInput.shape,
            client_id: field.clientId.optional(),
            request_id: z
              .string()
              .regex(/^[0-9a-z]{26}$/, 'a request id: 26 characters, as in X-Request-Id')
              .optional(),
            event: z
              .string()
              .regex(/^[a-z_]{1,40}(?:\.[a-z_]{1,40})?$/, "an event's name, or the part before its dot")
              .optional(),
            since: z.coerce.number().int().nonnegative().max(field.latestEpochSeconds).optional(),
          })
          .optional(),
      }),
    )
    .output(pageOf(auditEntry)),
  verify: operation(routes.verify, {
    tags: ['audit'],
    summary: 'Verify the audit log',
    description: 'Reads all of it; answers 200 whatever it finds.',
  })
    .input(z.strictObject({ body: z.strictObject({}).optional() }))
    .output(auditReport),
}

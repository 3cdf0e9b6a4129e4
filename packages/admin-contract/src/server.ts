import { z } from 'zod'
import * as field from './fields.ts'
import { operation } from './operation.ts'
import { adminRoutes } from './routes.ts'

const routes = adminRoutes.server

/** One thing that was looked at. */
const doctorFinding = z.strictObject({
  check: z.string(),
  status: z.enum(['ok', 'warning', 'failed']),
  message: z.string(),
  /** What to do; absent when it is ok. */
  remedy: z.string().optional(),
})
export type DoctorFinding = z.infer<typeof doctorFinding>

export const server = {
  doctor: operation(routes.doctor, { tags: ['server'], summary: 'Look for what is wrong, or soon will be' })
    .input(z.strictObject({}))
    .output(z.strictObject({ findings: z.array(doctorFinding) })),
  status: operation(routes.status, { tags: ['server'], summary: 'Which server this is' })
    .input(z.strictObject({}))
    .output(
      z.strictObject({
        issuer: z.string(),
        token_endpoint: z.string(),
        version: z.string(),
        started_at: field.epochSeconds,
      }),
    ),
}

import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'

/** `GET /doctor`. */
export const runDoctor: Operation<'server', 'doctor'> = async ({ services }) => {
  const findings = await services.doctor()
  return done({ findings: findings.map((finding) => ({ ...finding })) })
}

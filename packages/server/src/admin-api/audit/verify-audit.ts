import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'

/** `POST /audit/verify`. What it finds is its answer, never a refusal. */
export const verifyAudit: Operation<'audit', 'verify'> = async ({ services }) => {
  const { intact, checked, findings, limits } = await services.audit.verify()
  return done({ intact, checked, findings: findings.map((finding) => ({ ...finding })), limits: [...limits] })
}

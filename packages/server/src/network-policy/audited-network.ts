import type { NetworkPolicy } from './network-policy.ts'

/** What the audit log keeps of a policy: all of it, so that it can be told who was let in from where at any time. */
export function auditedNetwork({ id, version, rules }: NetworkPolicy): Readonly<Record<string, unknown>> {
  if (rules === undefined) return { id, version, lifted: true }
  const { mode, allow, covers } = rules
  return {
    id,
    version,
    mode,
    allow: allow.map(({ cidr, note, endsAt }) => ({ cidr, note, ends_at: endsAt })),
    covers: covers ?? 'everything',
  }
}

import { auditHost, slotOf, workerHost } from '../audit/log/audit-host.ts'
import type { AuditOptions } from '../audit/log/open-audit.ts'
import type { Config } from '../config/config.ts'

/** An embedded database has one host by its nature: every log that it knows must be beside it, whatever the machine is called today. */
const embeddedHost = 'embedded'

/**
 * Under which name this process keeps its audit log, and what it does about the logs of others in the directory. Every worker recovers what its
 * predecessor in the same slot left, and touches no other; the process above them sees to slots that no worker has any more, and verifies all.
 */
export function auditPart(
  { database, workers }: Config,
  directory: string,
  slot: number | undefined,
): Pick<AuditOptions, 'host' | 'isHere' | 'ends' | 'expires'> {
  if (database.kind === 'sqlite') return { host: embeddedHost }
  const host = auditHost(directory)
  if (slot !== undefined) return { host: workerHost(host, slot), expires: false }
  const slots = workers > 1 ? workers : 0
  return {
    host,
    isHere: (registered) => registered === host || slotOf(host, registered) !== undefined,
    ends: (registered) => registered === host || (slotOf(host, registered) ?? 0) > slots,
  }
}

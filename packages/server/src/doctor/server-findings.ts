import type { DoctorFinding } from '../admin-api/services.ts'
import { describeError, Fault } from '../kernel/faults.ts'
import { certificate, clientAuthority, mtlsCertificate, secrets, signingKeys } from './checks/expiring.ts'
import { auditLog, backups, databaseSound, disk, otherServers, schema } from './checks/storage.ts'
import { messages } from './checks/messages.ts'
import { clock, issuer, permissions, proxies } from './checks/surroundings.ts'
import { failed, type DoctorSubject, type Look } from './subject.ts'

const checks: Readonly<Record<string, Look>> = {
  database: databaseSound,
  schema,
  disk,
  'audit log': auditLog,
  backups,
  'signing keys': signingKeys,
  secrets,
  'TLS certificate': certificate,
  'mTLS certificate': mtlsCertificate,
  'client authority': clientAuthority,
  messages,
  clock,
  permissions,
  proxies,
  issuer,
  'other servers': otherServers,
}

/** Looks at everything that breaks slowly. Changes nothing. Never throws: a check that fails is a finding. */
export async function serverFindings(subject: DoctorSubject): Promise<DoctorFinding[]> {
  const findings = Object.entries(checks).map(async ([check, look]) => {
    try {
      return { check, ...(await look(subject)) }
    } catch (error) {
      const remedy = error instanceof Fault ? error.remedy : 'see the server’s log'
      return { check, ...failed(describeError(error), remedy) }
    }
  })
  return Promise.all(findings)
}

import { statfsSync, statSync } from 'node:fs'
import type { DoctorFinding } from '../admin-api/services.ts'
import type { Config } from '../config/config.ts'
import type { Clock } from '../kernel/clock.ts'
import { describeError } from '../kernel/faults.ts'
import type { SigningKeyRing } from '../keys/signing-keys.ts'

/** What the doctor looks at inside a running server. */
export interface DoctorSubject {
  readonly config: Config
  readonly issuer: string
  readonly checkDatabase: () => Promise<string>
  readonly auditProblem: () => string | undefined
  readonly lastAuditTime: () => Promise<number | undefined>
  readonly expiringSecrets: () => Promise<
    readonly { readonly clientId: string; readonly id: string; readonly expiresAt: number }[]
  >
  readonly keys: () => SigningKeyRing
  readonly clock: Clock
}

/** Below this much free space the doctor warns, in bytes. */
const lowDiskBytes = 1024 ** 3
const dayMs = 86_400_000

/** Looks at everything that breaks slowly. Changes nothing. Never throws: a check that fails is a finding. */
export async function serverFindings(subject: DoctorSubject): Promise<DoctorFinding[]> {
  const findings: DoctorFinding[] = []
  for (const [check, look] of Object.entries(checks)) {
    try {
      findings.push({ check, ...(await look(subject)) })
    } catch (error) {
      findings.push({ check, status: 'failed', message: describeError(error), remedy: 'see the server’s log' })
    }
  }
  return findings
}

type Look = (subject: DoctorSubject) => Promise<Omit<DoctorFinding, 'check'>> | Omit<DoctorFinding, 'check'>

const checks: Readonly<Record<string, Look>> = {
  database: async ({ checkDatabase }) => {
    const result = await checkDatabase()
    return result === 'ok'
      ? { status: 'ok', message: 'the database is sound' }
      : {
          status: 'failed',
          message: `the database is damaged: ${result}`,
          remedy: 'stop the server and restore a backup',
        }
  },
  disk: ({ config }) => {
    const { bavail, bsize } = statfsSync(config.dataDirectory)
    const free = bavail * bsize
    const gigabytes = (free / 1024 ** 3).toFixed(1)
    return free >= lowDiskBytes
      ? { status: 'ok', message: `${gigabytes} GiB free where the data are kept` }
      : {
          status: 'warning',
          message: `only ${gigabytes} GiB free where the data are kept`,
          remedy: 'free some space: without it no token is issued',
        }
  },
  'audit log': ({ auditProblem }) => {
    const problem = auditProblem()
    return problem === undefined
      ? { status: 'ok', message: 'the audit log can be written' }
      : {
          status: 'failed',
          message: problem,
          remedy: 'mend the disk and restart: no token is issued that cannot be recorded',
        }
  },
  'signing keys': ({ keys }) => {
    const standby = keys().all.some((key) => key.state === 'standby')
    return standby
      ? {
          status: 'ok',
          message: `${keys().active.algorithm} key ${keys().active.kid} signs, a standby key is published`,
        }
      : { status: 'warning', message: 'no standby key is published', remedy: 'restore a backup that has one' }
  },
  clock: async ({ clock, lastAuditTime }) => {
    const last = await lastAuditTime()
    const ahead = (last ?? 0) - clock.now()
    return ahead <= 1000
      ? { status: 'ok', message: 'the clock has not stepped back' }
      : {
          status: 'warning',
          message: `the clock is ${Math.round(ahead / 1000)} s behind the last recorded change`,
          remedy: 'synchronise the clock of this machine (NTP)',
        }
  },
  permissions: ({ config }) => {
    const files =
      config.database.kind === 'sqlite' ? [config.dataDirectory, config.database.path] : [config.dataDirectory]
    const open = files.filter((file) => (statSync(file).mode & 0o077) !== 0)
    return open.length === 0
      ? { status: 'ok', message: 'only this user reads the data' }
      : { status: 'failed', message: `others may read ${open.join(', ')}`, remedy: `chmod go= ${open.join(' ')}` }
  },
  secrets: async ({ expiringSecrets, clock }) => {
    const soon = await expiringSecrets()
    const [first] = soon
    if (first === undefined) return { status: 'ok', message: 'no secret in use ends within 30 days' }
    const days = Math.max(0, Math.floor((first.expiresAt - clock.now()) / dayMs))
    return {
      status: 'warning',
      message: `${soon.length} secret(s) end within 30 days, the first in ${days} day(s): ${first.id} of ${first.clientId}`,
      remedy: `latchkey secret add ${first.clientId}, deliver it, then revoke the old one`,
    }
  },
  issuer: ({ issuer }) =>
    issuer.startsWith('https://')
      ? { status: 'ok', message: `the issuer is ${issuer}` }
      : { status: 'ok', message: `the issuer is ${issuer}: plain HTTP, for development on this machine only` },
}

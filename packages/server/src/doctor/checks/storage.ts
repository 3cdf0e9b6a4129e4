import { statfsSync } from 'node:fs'
import path from 'node:path'
import { dayMs, days, failed, fine, warning, type Look } from '../subject.ts'

/** Below this much free space the doctor warns, in bytes. */
const lowDiskBytes = 1024 ** 3

/** A backup that is older is not one to go back to. */
const backupMaxAgeMs = 7 * dayMs

/** A server that has recorded nothing for so long is idle, or gone. */
const silentServerMs = 7 * dayMs

export const databaseSound: Look = async ({ database }) => {
  const result = await database.check()
  return result === 'ok'
    ? fine('the database is sound')
    : failed(`the database is damaged: ${result}`, 'stop the server and restore a backup')
}

export const schema: Look = async ({ database }) => {
  const pending = await database.pendingMigrations()
  return pending.length === 0
    ? fine('the schema is that of this version')
    : failed(`the schema lacks ${pending.join(', ')}`, 'run `latchkey migrate`')
}

export const disk: Look = ({ config }) => {
  // The audit log may be mounted apart from the rest: without space for it no token is issued.
  const places = [config.dataDirectory, path.join(config.dataDirectory, 'audit')]
  const free = Math.min(...places.map((place) => statfsSync(place)).map(({ bavail, bsize }) => bavail * bsize))
  const gigabytes = (free / 1024 ** 3).toFixed(1)
  return free >= lowDiskBytes
    ? fine(`${gigabytes} GiB free where the data are kept`)
    : warning(`only ${gigabytes} GiB free where the data are kept`, 'free some space: without it no token is issued')
}

export const auditLog: Look = ({ auditProblem }) => {
  const problem = auditProblem()
  return problem === undefined
    ? fine('the audit log can be written')
    : failed(problem, 'mend the disk and restart: no token is issued that cannot be recorded')
}

export const backups: Look = async ({ database, clock, config }) => {
  const last = await database.lastTimeOf('backup.taken')
  const remedy = 'run `latchkey backup FILE` each day, and keep the file and the master key apart from this machine'
  if (last === undefined) {
    return config.mode === 'dev'
      ? fine('no backup was ever taken; for development none is needed')
      : warning('no backup was ever taken', remedy)
  }
  const ageMs = clock.now() - last
  return ageMs > backupMaxAgeMs
    ? warning(`the last backup was taken ${days(ageMs)} days ago`, remedy)
    : fine(`the last backup was taken ${days(ageMs)} day(s) ago`)
}

export const otherServers: Look = async ({ auditLogs, isOwnLog, clock }) => {
  const open = (await auditLogs()).filter(({ host, closedAt }) => closedAt === undefined && !isOwnLog(host))
  const hosts = new Map<string, number>()
  for (const { host, openedAt, checkpoint } of open) {
    hosts.set(host, Math.max(hosts.get(host) ?? 0, checkpoint?.at ?? openedAt))
  }
  const silent = [...hosts].filter(([, at]) => clock.now() - at > silentServerMs)
  const [first] = silent
  if (first !== undefined) {
    const [host, at] = first
    return warning(
      `${silent.length} server(s) did not close their log, and recorded nothing for a week: ${host}, ${days(clock.now() - at)} days`,
      'if one is gone for good, keep the files of its audit log; if it is meant to run, look at it',
    )
  }
  return fine(
    hosts.size === 0
      ? 'no other server is in contact with the database'
      : `also on this database: ${[...hosts.keys()].join(', ')}`,
  )
}

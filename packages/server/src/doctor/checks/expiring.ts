import { dayMs, days, failed, fine, warning, type Finding, type Look, type ServerCertificateFacts } from '../subject.ts'

/** A certificate that ends sooner should have been renewed by now, in milliseconds. */
const certificateWarningMs = 14 * dayMs

/** The schedule looks each second; a key that is so much over its time shows that it does not get to it. */
const overdueMs = dayMs

export const secrets: Look = async ({ database, clock }) => {
  const soon = await database.expiringSecrets()
  const [first] = soon
  if (first === undefined) return fine('no secret in use ends within 30 days')
  const inDays = days(Math.max(0, first.expiresAt - clock.now()))
  return warning(
    `${soon.length} secret(s) end within 30 days, the first in ${inDays} day(s): ${first.id} of ${first.clientId}`,
    `latchkey secret add ${first.clientId}, deliver it, then revoke the old one`,
  )
}

export const certificate: Look = ({ certificate: current, clock, issuer }) => {
  const inUse = current()
  if (inUse === undefined) return fine('TLS does not end here: look after the certificate where it does')
  return judge('TLS', inUse, issuer, clock.now())
}

export const mtlsCertificate: Look = ({ mtlsCertificate: current, config, clock, issuer }) => {
  const inUse = current()
  if (inUse === undefined) return fine('no listener here asks clients for certificates')
  return judge('mTLS', inUse, config.mtls?.url ?? issuer, clock.now())
}

/** From the last 90 days on certificates are shorter than they were asked for; a company takes its time to certify another. In milliseconds. */
const authorityWarningMs = 180 * dayMs

export const clientAuthority: Look = async ({ authority, clock }) => {
  const signing = await authority()
  if (signing === undefined) return fine('there is no authority of certificates: the first certificate makes one')
  const leftMs = signing.notAfter - clock.now()
  const renew = signing.isOurs
    ? 'latchkey ca rotate'
    : 'latchkey ca csr, have it certified, then latchkey ca install --certificate FILE'
  if (leftMs <= 0) return failed(`the authority of certificates ended ${days(leftMs)} day(s) ago`, renew)
  return leftMs < authorityWarningMs
    ? warning(`the authority of certificates ends in ${days(leftMs)} day(s), and no certificate outlives it`, renew)
    : fine(`the authority of certificates ends in ${days(leftMs)} days`)
}

function judge(what: string, inUse: ServerCertificateFacts, reachedAt: string, now: number): Finding {
  const leftMs = inUse.notAfter - now
  const renew = 'renew it and replace the files: they are read again within five seconds'
  if (leftMs <= 0) return failed(`the ${what} certificate ended ${days(leftMs)} day(s) ago`, renew)
  if (leftMs < certificateWarningMs) return warning(`the ${what} certificate ends in ${days(leftMs)} day(s)`, renew)
  const { hostname } = new URL(reachedAt)
  return inUse.covers(hostname)
    ? fine(`the ${what} certificate ends in ${days(leftMs)} days`)
    : warning(
        `the ${what} certificate is not made out to ${hostname}, the host that clients reach`,
        'get one that is, unless a proxy with another certificate stands before this server',
      )
}

export const signingKeys: Look = ({ keys, keyRules, clock }) => {
  const { active, all } = keys()
  if (!all.some((key) => key.state === 'standby')) {
    return warning('no standby key is published', 'look at the log: the schedule makes one within a second')
  }
  const signsForMs = clock.now() - (active.activatedAt ?? active.createdAt)
  if (keyRules.rotationMs !== undefined && signsForMs > keyRules.rotationMs + overdueMs) {
    return warning(
      `the signing key ${active.kid} is ${days(signsForMs - keyRules.rotationMs)} day(s) overdue for rotation`,
      'look at the log for why the schedule does not rotate, or run `latchkey key rotate`',
    )
  }
  return fine(
    `${active.algorithm} key ${active.kid} signs since ${days(signsForMs)} day(s), a standby key is published`,
  )
}

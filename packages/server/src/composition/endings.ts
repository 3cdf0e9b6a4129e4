import { X509Certificate } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import type { Ending } from '../endings/ending.ts'
import { tellEndings } from '../endings/tell-endings.ts'
import type { ServerCertificate } from '../http/server-certificate.ts'
import { every } from '../kernel/background.ts'
import type { Notifier } from '../notices/notifier.ts'
import type { Core } from './core.ts'
import type { Listeners } from './listeners.ts'
import type { Surroundings } from './surroundings.ts'

const lookEveryMs = 5000
/** By the server's clock, which may be moved: an end is told within this time. */
const turnMs = 60_000

/** Tells people of what ends soon; in one process of each server. */
export function tellEndingsInTime(
  { store }: Core,
  listeners: Pick<Listeners, 'certificate' | 'mtlsCertificate'>,
  notifier: Notifier,
  { clock, logger }: Surroundings,
  started: AsyncDisposableStack,
): void {
  const { endings: reads, endingBook: book, clients, certificates } = store
  const serverCertificates = () =>
    [listeners.certificate(), listeners.mtlsCertificate()]
      .filter((certificate) => certificate !== undefined)
      .map((certificate) => endingOf(certificate))
  const watch = { reads, book, clients, certificates, serverCertificates, notifier }
  let lastTurn: number | undefined
  let isUnderWay = false
  every(started, lookEveryMs, logger, async () => {
    const now = clock.now()
    if (isUnderWay || (lastTurn !== undefined && Math.abs(now - lastTurn) < turnMs)) return
    isUnderWay = true
    try {
      await tellEndings(watch, now)
      lastTurn = now
    } finally {
      isUnderWay = false
    }
  })
}

function endingOf({ cert, fingerprint, notAfter }: ServerCertificate): Ending {
  const { validFromDate, subjectAltName } = new X509Certificate(cert)
  return {
    kind: 'server_certificate',
    subject: fingerprint,
    name: subjectAltName ?? fingerprint,
    endsAt: notAfter as EpochMs,
    since: validFromDate.getTime() as EpochMs,
    client: undefined,
  }
}

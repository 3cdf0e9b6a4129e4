import { statSync } from 'node:fs'
import type { Clock } from '../kernel/clock.ts'
import { describeError } from '../kernel/faults.ts'
import type { Logger } from '../kernel/log.ts'
import { readServerCertificate, type ServerCertificate, type TlsFiles } from './server-certificate.ts'

/** A certificate that is replaced while it is in use. */
export interface FollowedCertificate {
  current(): ServerCertificate
  /** Called with each certificate that takes the place of another. */
  onChange(listener: (certificate: ServerCertificate) => void): void
  /** Reads the files now. A pair that cannot be used is logged, and the one in use stays. */
  reload(): void
  close(): void
}

/** How often the files are looked at, in milliseconds. */
const lookEveryMs = 1500

/** A certificate that ends sooner than this is logged when it is read: renewal should have come by then. */
const endsSoonMs = 7 * 86_400_000

/**
 * Reads a certificate and follows its files: by looking at them, since a watch misses files that are links, mounts or shared over a network.
 * A change counts once the files have stayed the same for one look, so that certificate and key written one after the other are read together.
 * Throws Fault `tls.unusable` at the first reading only.
 */
export function followCertificate(files: TlsFiles, clock: Clock, logger: Logger): FollowedCertificate {
  const listeners: ((certificate: ServerCertificate) => void)[] = []
  let certificate = readServerCertificate(files, clock.now())
  warnOfEnd()
  let read = stateOf(files)
  let seen = read
  const timer = setInterval(() => {
    const before = seen
    seen = stateOf(files)
    if (seen === before && seen !== read) reload()
  }, lookEveryMs)
  timer.unref()

  function reload(): void {
    // Before the files are read: what changes meanwhile is another change.
    read = stateOf(files)
    let next: ServerCertificate
    try {
      next = readServerCertificate(files, clock.now())
    } catch (error) {
      const message = 'the new TLS certificate was refused; the one in use stays'
      logger.error({ error: describeError(error), in_use: certificate.fingerprint }, message)
      return
    }
    if (next.cert.equals(certificate.cert) && next.key.equals(certificate.key)) return
    certificate = next
    for (const listener of listeners) listener(next)
    logger.info(
      { fingerprint: next.fingerprint, not_after: new Date(next.notAfter) },
      'the TLS certificate was replaced',
    )
    warnOfEnd()
  }

  function warnOfEnd(): void {
    if (certificate.notAfter - clock.now() > endsSoonMs) return
    logger.warn({ not_after: new Date(certificate.notAfter) }, 'the TLS certificate ends within a week')
  }

  return {
    current: () => certificate,
    onChange(listener) {
      listeners.push(listener)
    },
    reload,
    close() {
      clearInterval(timer)
    },
  }
}

/** What shows that one of the files is another, links followed; also when one is missing. */
function stateOf(files: TlsFiles): string {
  return [files.certificate, files.key]
    .map((file) => {
      const found = statSync(file, { bigint: true, throwIfNoEntry: false })
      return found === undefined ? 'missing' : `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}:${found.mode}`
    })
    .join(' ')
}

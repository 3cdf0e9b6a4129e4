import { X509Certificate } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import type { CertificateReads } from '../certificate-authority/ports.ts'
import type { Credential } from '../clients/credential.ts'
import type { ClientReads } from '../clients/ports.ts'
import type { EndingWords } from '../notices/notice.ts'
import type { Notifier } from '../notices/notifier.ts'
import { dueThreshold, horizonMs, type Ending, type Threshold } from './ending.ts'
import type { EndingBook, EndingMark, EndingReads } from './ports.ts'

export interface EndingWatch {
  readonly reads: EndingReads
  readonly book: EndingBook
  readonly clients: Pick<ClientReads, 'find'>
  readonly certificates: Pick<CertificateReads, 'authority' | 'root'>
  /** Certificates that this server shows its clients. */
  readonly serverCertificates: () => readonly Ending[]
  readonly notifier: Notifier
}

/** Marks outlive the end for a while: clocks of servers differ. */
const keptMs = 86_400_000

/**
 * Tells contact and team of everything that ends within 30, 7 and 1 days, each once: not of what a successor has taken over. Several servers may do so at once.
 * The next turn goes on where one fails.
 */
export async function tellEndings(watch: EndingWatch, now: EpochMs): Promise<void> {
  const { book, reads } = watch
  const until = (now + horizonMs) as EpochMs
  const told = new Set((await book.told(now)).map((mark) => keyOf(mark)))
  const found = await Promise.all([
    reads.credentials(now, until),
    reads.scopes(now, until),
    reads.addresses(now, until),
    anchorEndings(watch),
    authorityEndings(watch),
  ])
  for (const ending of [...found.flat(), ...watch.serverCertificates()]) {
    const threshold = dueThreshold(ending, now)
    if (threshold === undefined) continue
    const mark = { kind: ending.kind, subject: ending.subject, endsAt: ending.endsAt, threshold }
    if (told.has(keyOf(mark)) || (await isReplaced(watch, ending))) continue
    await tell(watch, ending, mark, now)
  }
  await book.removeOld((now - keptMs) as EpochMs)
}

function keyOf({ kind, subject, endsAt, threshold }: EndingMark): string {
  return JSON.stringify([kind, subject, endsAt, threshold])
}

function tell({ book, notifier }: EndingWatch, ending: Ending, mark: EndingMark, now: EpochMs): Promise<boolean> {
  const { subject, client } = ending
  const notice = {
    kind: 'ending.near',
    about: subject,
    words: wordsOf(ending, mark.threshold),
    secret: undefined,
  } as const
  return book.tellOnce(mark, async (tx) => {
    await notifier.queue(tx, { kind: 'team' }, notice, now)
    if (client?.contactAddress === undefined) return
    await notifier.queue(tx, { kind: 'contact', address: client.contactAddress }, notice, now)
  })
}

function wordsOf({ kind, name, endsAt, client }: Ending, days: Threshold): EndingWords {
  return { what: kind, name, endsAt, days, clientId: client?.clientId, clientName: client?.name }
}

/** Whether one that was rotated or renewed from it is in use: then its end is of no consequence. */
async function isReplaced({ clients }: EndingWatch, { kind, subject, client }: Ending): Promise<boolean> {
  if (client === undefined || (kind !== 'secret' && kind !== 'certificate')) return false
  const all = (await clients.find(client.clientId))?.credentials ?? []
  const line: string[] = [subject]
  for (const parent of line) {
    for (const successor of all.filter(({ id, parentId }) => parentId === parent && !line.includes(id))) {
      if (isInUse(successor)) return true
      line.push(successor.id)
    }
  }
  return false
}

function isInUse({ revokedAt, lastUsedAt }: Credential): boolean {
  return revokedAt === undefined && lastUsedAt !== undefined
}

async function anchorEndings({ reads }: EndingWatch): Promise<readonly Ending[]> {
  return (await reads.anchors()).map(({ subject, name, client, anchor }) => {
    const { validFromDate, validToDate } = new X509Certificate(anchor)
    const [since, endsAt] = [validFromDate.getTime() as EpochMs, validToDate.getTime() as EpochMs]
    return { kind: 'anchor', subject, name, client, since, endsAt }
  })
}

async function authorityEndings({ certificates }: EndingWatch): Promise<readonly Ending[]> {
  // Those in force: one that was replaced signs nothing whose end it would be.
  return [await certificates.root(), await certificates.authority()]
    .filter((authority) => authority !== undefined)
    .map(({ id, kind, createdAt, notAfter }) => ({
      kind: 'authority',
      subject: id,
      name: kind,
      endsAt: notAfter,
      since: createdAt,
      client: undefined,
    }))
}

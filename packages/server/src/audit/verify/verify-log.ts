import { open } from 'node:fs/promises'
import type { DataKeys } from '../../keys/data-keys.ts'
import { chainWalk, type ChainWalk } from './chain-walk.ts'
import type { Checkpoint, LogPosition, RowPosition } from '../log/checkpoint.ts'
import type { Findings } from './findings.ts'
import { readGroups } from './read-groups.ts'
import { isMissing, listLogFiles, type LogFiles, type SegmentFile } from '../log/segment-files.ts'

/** One token log that is to be verified. */
export interface LogUnderTest {
  readonly id: string
  readonly directory: string
  /** Older segments expired; undefined when nobody knows, and then the oldest that is there counts as the first. */
  readonly firstSegment: number | undefined
  /** The database's, and genuine. */
  readonly checkpoint: Checkpoint | undefined
  /** For the log that this process is writing: how far it had come when the verification began. */
  readonly written: LogPosition | undefined
  /** Whether it was closed; then nothing may follow its last seal. */
  readonly isClosed: boolean
  /** Whether another process may be writing it: then a group at its end may be on its way. */
  readonly mayGrow: boolean
}

export interface VerifiedLog {
  readonly segments: number
  readonly records: number
  /** The administrative rows that the log vouches for. */
  readonly rows: readonly RowPosition[]
}

/** Verifies the files of one log. `undefined` when its directory is not there; that is for the caller to judge. */
export async function verifyLog(
  log: LogUnderTest,
  dataKeys: DataKeys,
  findings: Findings,
): Promise<VerifiedLog | undefined> {
  const files = await listLogFiles(log.directory)
  if (files === undefined) return undefined
  reportTorn(log, files, findings)
  const target = log.written
  const segments = files.segments.filter(
    ({ number }) => number >= (log.firstSegment ?? 0) && (target === undefined || number <= target.segment),
  )
  const firstSegment = log.firstSegment ?? segments[0]?.number ?? 1
  reportMissing(log, segments, firstSegment, findings)

  const { checkpoint } = log
  const sought = [checkpoint?.n ?? 0, target?.n ?? 0]
  const walk = chainWalk(log.id, firstSegment === 1 ? 1 : undefined, sought, dataKeys, findings)
  for (const segment of segments) {
    walk.enterSegment(segment.number)
    await walkSegment(log, segment, segment === segments.at(-1), walk, findings)
  }
  walk.finish()
  if (target !== undefined) compareEnd(log, target, walk, 'this process has written', findings)
  if (checkpoint !== undefined)
    compareEnd(log, checkpoint, walk, 'the checkpoint in the database vouches for', findings)
  return { segments: segments.length, records: walk.records(), rows: walk.vouchedRows() }
}

async function walkSegment(
  log: LogUnderTest,
  segment: SegmentFile,
  isLast: boolean,
  walk: ChainWalk,
  findings: Findings,
): Promise<void> {
  const where = `log ${log.id}, segment ${segment.number}`
  const file = await open(segment.path, 'r').catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw error
  })
  if (file === undefined) {
    findings.problem('removed', where, 'the file vanished while it was verified')
    return
  }
  try {
    for await (const group of readGroups(file, 0, segment.bytes)) {
      if (group.seal !== undefined) {
        walk.group(group)
        // What the process writes meanwhile is for the next verification.
        if (log.written !== undefined && walk.hasSeal(log.written.n, log.written.mac)) return
      } else if (!isLast || group.end < segment.bytes) {
        walk.unsealed(group)
      } else if (log.written === undefined && !log.mayGrow) {
        const bytes = group.end - group.start
        if (log.isClosed)
          findings.problem('edited', where, `${bytes} bytes follow the last seal of a log that was closed`)
        else findings.warning('torn', where, `${bytes} bytes at the end were never sealed; a crash leaves such a tail`)
      }
    }
  } finally {
    await file.close()
  }
}

/** Compares the end of the log with where it is known to have come. */
function compareEnd(log: LogUnderTest, known: LogPosition, walk: ChainWalk, who: string, findings: Findings): void {
  if (walk.hasSeal(known.n, known.mac)) return
  const where = `log ${log.id}, segment ${known.segment}, record ${known.n}`
  if (walk.last() < known.n) {
    findings.problem('cut_off', where, `the log ends with record ${walk.last()}, before this one, which ${who}`)
  } else {
    findings.problem('edited', where, `the seal of this record is not the one that ${who}`)
  }
}

function reportMissing(
  log: LogUnderTest,
  segments: readonly SegmentFile[],
  firstSegment: number,
  findings: Findings,
): void {
  let expected = firstSegment
  const missing: string[] = []
  const reached = Math.max(positionSegment(log.checkpoint), positionSegment(log.written))
  for (const number of [...segments.map((segment) => segment.number), reached + 1]) {
    if (number > expected)
      missing.push(number === expected + 1 ? `segment ${expected}` : `segments ${expected}–${number - 1}`)
    expected = Math.max(expected, number + 1)
  }
  for (const which of missing)
    findings.problem('removed', `log ${log.id}, ${which}`, 'the file is missing, and has not expired')
}

/** A position before the first record proves no file. */
function positionSegment(position: LogPosition | undefined): number {
  return position === undefined || position.n === 0 ? 0 : position.segment
}

function reportTorn(log: LogUnderTest, files: LogFiles, findings: Findings): void {
  for (const { number, bytes, path } of files.torn) {
    const where = `log ${log.id}, segment ${number}`
    findings.warning('torn', where, `after a crash, ${bytes} bytes without a valid seal were set aside in ${path}`)
  }
}

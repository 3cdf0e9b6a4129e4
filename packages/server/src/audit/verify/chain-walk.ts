import type { DataKeys } from '../../keys/data-keys.ts'
import type { RowPosition } from '../log/checkpoint.ts'
import type { Findings } from './findings.ts'
import { isIncreasing, isPermutedRange, missingNumbers, numberGaps, type NumberRange } from './number-gaps.ts'
import { expectedMac, type RawGroup } from './read-groups.ts'
import { initialMac, readSegmentHeader, readVouchedRows } from '../log/segment-format.ts'

/** Checks the groups of one log in file order, and goes on behind whatever is wrong, so that everything is reported. */
export interface ChainWalk {
  enterSegment(segment: number): void
  /** A group with its seal, good or bad. */
  group(group: RawGroup): void
  /** Records in the middle of the log without a seal. */
  unsealed(group: RawGroup): void
  /** Ends the walk: what was passed over and never came is missing. */
  finish(): void
  /** The highest record number under a seal. */
  last(): number
  records(): number
  /** The administrative rows that genuine records vouch for. */
  vouchedRows(): readonly RowPosition[]
  /** Whether a seal with this number and MAC was seen. */
  hasSeal(n: number, mac: string): boolean
}

/** Seals remembered by number, so that a group which stands in the wrong place can still be checked. */
const maxRememberedSeals = 4096

/**
 * `firstN`: the number of the first record, where it is known; after segments expired the first group says it. `sought`: seals that
 * {@link ChainWalk.hasSeal} will be asked for.
 */
export function chainWalk(
  logId: string,
  firstN: number | undefined,
  sought: readonly number[],
  dataKeys: DataKeys,
  findings: Findings,
): ChainWalk {
  const gaps = numberGaps()
  const seals = new Map<number, string>([[0, initialMac]])
  const soughtSeals = new Set<string>()
  let last = firstN === undefined ? undefined : firstN - 1
  let records = 0
  const vouchedRows: RowPosition[] = []
  let segment = 0
  let isSegmentStart = true
  /** Set while a file of another log is read: its groups are checked, its numbers are not ours. */
  let strange: string | undefined
  let carried: readonly string[] = [initialMac]
  let strangeCarried: readonly string[] = []
  let edited: NumberRange | undefined

  /** The MACs that the group before may have had, each under the log it would belong to; the likeliest first. */
  function candidates(group: RawGroup): { readonly log: string; readonly previous: string }[] {
    if (strange !== undefined) return strangeCarried.map((previous) => ({ log: strange ?? logId, previous }))
    const byNumber = seals.get((group.numbers[0] ?? Number.NaN) - 1)
    const own = [...carried, ...(byNumber === undefined ? [] : [byNumber])]
    const header = isSegmentStart ? readSegmentHeader(group.records) : undefined
    if (header !== undefined) own.push(header.previous)
    const all = [...new Set(own)].map((previous) => ({ log: logId, previous }))
    return header === undefined || header.log === logId ? all : [...all, { log: header.log, previous: header.previous }]
  }

  function checkGroup(group: RawGroup): void {
    const tried = candidates(group).map(({ log, previous }) => ({
      log,
      mac: expectedMac(dataKeys, log, previous, group),
    }))
    const seal = group.seal === 'damaged' ? undefined : group.seal
    const match = seal === undefined ? undefined : tried.find(({ mac }) => mac === seal.mac)
    // Behind a bad group either its seal is as it was, or its records are: the next group tells which.
    const computed = tried.slice(0, 2).flatMap(({ mac }) => (mac === undefined ? [] : [mac]))
    const next =
      match === undefined ? [...new Set([...(seal === undefined ? [] : [seal.mac]), ...computed])] : [match.mac ?? '']
    records += group.numbers.length

    if (isSegmentStart && match !== undefined) checkHeader(group, match.log)
    isSegmentStart = false
    if (strange !== undefined) {
      strangeCarried = next
      if (match === undefined) noteEdited({ from: group.numbers[0] ?? 0, to: group.numbers.at(-1) ?? 0 })
      return
    }
    carried = next
    if (match === undefined) explain(group, seal?.n)
    else accept(group, seal?.n)
    if (seal !== undefined) remember(match === undefined ? seal.n : (group.numbers.at(-1) ?? seal.n), seal.mac)
  }

  function checkHeader(group: RawGroup, log: string): void {
    const header = readSegmentHeader(group.records)
    if (log !== logId) {
      strange = log
      report('reordered', 'first record', `this file is segment ${header?.segment} of log ${log}`)
    } else if (header !== undefined && header.segment !== segment) {
      report('reordered', 'first record', `this file is segment ${header.segment} of this log`)
    } else if (header === undefined) {
      report('edited', 'first record', 'the segment does not begin with its header')
    }
  }

  /** A group as it was written: only its place can be wrong. */
  function accept({ numbers, records: bytes }: RawGroup, sealN: number | undefined): void {
    vouchedRows.push(...readVouchedRows(bytes))
    const from = numbers[0] ?? (last ?? 0) + 1
    const to = numbers.at(-1) ?? last ?? 0
    if (sealN !== to) report('edited', `seal of record ${to}`, `the seal names record ${sealN}`)
    if (numbers.length > 0) place({ from, to })
  }

  /** A group whose MAC is not what it must be: finds out by the numbers why. */
  function explain({ numbers, seal }: RawGroup, sealN: number | undefined): void {
    const before = last ?? (numbers[0] ?? 1) - 1
    const first = numbers[0] ?? before + 1
    const end = sealN ?? numbers.at(-1) ?? before
    if (seal === 'damaged' || numbers.some((number) => Number.isNaN(number)) || end < first - 1) {
      noteEdited(claimed(numbers, before, sealN))
    } else if (isIncreasing(numbers) && (numbers.at(-1) ?? before) <= end && (first > before || end <= before)) {
      const missing = missingNumbers(numbers, first, end)
      for (const range of missing)
        report('removed', describe(range), 'the group is sealed, but these records are not in it')
      const isExplained = place({ from: first, to: end })
      if (missing.length === 0 && !isExplained) noteEdited({ from: first, to: end })
    } else if (isPermutedRange(numbers) && Math.max(...numbers) === end && Math.min(...numbers) > before) {
      const range = { from: Math.min(...numbers), to: end }
      report('reordered', describe(range), 'the records of the group stand in another order')
      place(range)
    } else {
      noteEdited(claimed(numbers, before, sealN))
    }
  }

  /** What a damaged group most likely held. Moves on behind it. */
  function claimed(numbers: readonly number[], before: number, sealN: number | undefined): NumberRange {
    const isSealPlausible = sealN !== undefined && sealN > before && sealN - before <= numbers.length + 1
    const to = isSealPlausible ? sealN : before + Math.max(numbers.length, 1)
    last = to
    return { from: before + 1, to }
  }

  /** Puts a range of numbers behind what came before; true when it is not where it belongs. */
  function place(range: NumberRange): boolean {
    last ??= range.from - 1
    const { from, to } = range
    if (from === last + 1) {
      last = to
      return false
    }
    flushEdited()
    if (from > last + 1) {
      gaps.add({ from: last + 1, to: from - 1 })
      last = to
    } else if (gaps.fill(range)) {
      report('reordered', describe(range), `stands behind record ${last}`)
      last = Math.max(last, to)
    } else {
      report('edited', describe(range), `occurs a second time, behind record ${last}`)
      last = Math.max(last, to)
    }
    return true
  }

  function remember(n: number, mac: string): void {
    if (sought.includes(n)) soughtSeals.add(`${n} ${mac}`)
    seals.set(n, mac)
    if (seals.size <= maxRememberedSeals) return
    for (const oldest of seals.keys()) {
      if (oldest === 0) continue
      seals.delete(oldest)
      break
    }
  }

  /** Neighbouring bad groups become one finding. */
  function noteEdited(range: NumberRange): void {
    if (edited !== undefined && range.from === edited.to + 1) {
      edited = { from: edited.from, to: range.to }
      return
    }
    flushEdited()
    edited = range
  }

  function flushEdited(): void {
    if (edited === undefined) return
    const message = 'these records or their seals are not as they were written, or a seal between them was removed'
    const where = describe(edited)
    edited = undefined
    report('edited', where, message)
  }

  function report(kind: string, where: string, message: string): void {
    flushEdited()
    findings.problem(kind, `log ${logId}, segment ${segment}, ${where}`, message)
  }

  return {
    enterSegment(number) {
      flushEdited()
      segment = number
      isSegmentStart = true
      strange = undefined
    },
    group: checkGroup,
    unsealed(group) {
      isSegmentStart = false
      const where = group.numbers.length === 0 ? 'end' : describe(claimedNumbers(group.numbers, last))
      report('removed', where, 'the seal of these records is missing; what follows it may be missing too')
    },
    finish() {
      flushEdited()
      for (const gap of gaps.list())
        findings.problem('removed', `log ${logId}, ${describe(gap)}`, 'these records are missing')
    },
    last: () => last ?? 0,
    records: () => records,
    vouchedRows: () => vouchedRows,
    hasSeal: (n, mac) => n === 0 || soughtSeals.has(`${n} ${mac}`),
  }
}

function claimedNumbers(numbers: readonly number[], last: number | undefined): NumberRange {
  const readable = numbers.filter((number) => Number.isFinite(number))
  const from = readable[0] ?? (last ?? 0) + 1
  return { from, to: readable.at(-1) ?? from }
}

function describe({ from, to }: NumberRange): string {
  if (from > to) return `behind record ${to}`
  return from === to ? `record ${from}` : `records ${from}–${to}`
}

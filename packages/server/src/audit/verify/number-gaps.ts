/** Consecutive numbers, both ends included. */
export interface NumberRange {
  readonly from: number
  readonly to: number
}

/** Numbers that were passed over and may still turn up further behind; those that never do are missing. */
export interface NumberGaps {
  add(range: NumberRange): void
  /** Takes out what the range covers; false when nothing of it was missing. */
  fill(range: NumberRange): boolean
  list(): readonly NumberRange[]
}

export function numberGaps(): NumberGaps {
  let gaps: NumberRange[] = []
  return {
    add: (range) => void gaps.push(range),
    fill({ from, to }) {
      const isTouched = gaps.some((gap) => gap.from <= to && gap.to >= from)
      if (isTouched) {
        gaps = gaps
          .flatMap((gap) => [
            { from: gap.from, to: Math.min(gap.to, from - 1) },
            { from: Math.max(gap.from, to + 1), to: gap.to },
          ])
          .filter((gap) => gap.from <= gap.to)
      }
      return isTouched
    },
    list: () => gaps,
  }
}

/** The numbers from `first` to `last` that an increasing list leaves out. */
export function missingNumbers(numbers: readonly number[], first: number, last: number): NumberRange[] {
  const missing: NumberRange[] = []
  let expected = first
  for (const number of [...numbers, last + 1]) {
    if (number > expected) missing.push({ from: expected, to: number - 1 })
    expected = number + 1
  }
  return missing
}

export function isIncreasing(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? Number.NaN))
}

/** Whether these are all numbers of one range, in any order. */
export function isPermutedRange(numbers: readonly number[]): boolean {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted.length > 0 && sorted.every((number, index) => number === (sorted[0] ?? Number.NaN) + index)
}

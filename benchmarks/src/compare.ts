import type { LoadResult } from './load.ts'

export const rounds: number = Number(process.env['BENCH_ROUNDS'] ?? 7)
export const durationMs: number = Number(process.env['BENCH_MS'] ?? 3000)

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
const spread = (values: readonly number[]): string =>
  `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`

/**
 * Measures each subject in every round, in turn, so that a change of the machine's speed hits all of them, and prints them beside the first, which is the floor.
 * `unit` is what a request is.
 */
export async function compare(
  title: string,
  unit: string,
  subjects: Readonly<Record<string, () => Promise<LoadResult>>>,
): Promise<void> {
  const results = new Map<string, LoadResult[]>(Object.keys(subjects).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(subjects)) results.get(name)?.push(await measure())
  }
  const floor = [...results.values()][0] ?? []
  console.log(`\n${title}`)
  console.table(
    Object.fromEntries(
      [...results].map(([name, list]) => [
        name,
        {
          [`${unit}/s`]: Math.round(median(list.map((result) => result.requestsPerSecond))),
          'of the floor': spread(
            list.map((result, i) => result.requestsPerSecond / (floor[i]?.requestsPerSecond ?? NaN)),
          ),
          'p50 ms': median(list.map((result) => result.p50Ms)).toFixed(2),
          'p99 ms': median(list.map((result) => result.p99Ms)).toFixed(2),
          failed: list.reduce((sum, result) => sum + result.failed, 0),
        },
      ]),
    ),
  )
}

import { callThrough } from './gate-stage.ts'

/** Calls without a break, by tokens that are good and by what must never get in; marked, so that the API can tell. */
export interface GateLoad {
  /** How many calls were answered with that status since it began. */
  readonly answered: ReadonlyMap<number, number>
  stop(): Promise<void>
}

/** How many call at a time. */
export const callers: number = 8

/** `good` may pass; each of `bad` (undefined: no token) may not. */
export function startGateLoad(port: number, good: string, bad: readonly (string | undefined)[]): GateLoad {
  const answered = new Map<number, number>()
  const over = new AbortController()
  async function run(first: number): Promise<void> {
    for (let i = first; !over.signal.aborted; i++) {
      const isGood = i % 2 === 0
      const token = isGood ? good : bad[i % bad.length]
      const lines = ['x-test', isGood ? 'good' : 'bad']
      try {
        const answer = await callThrough(port, '/configurations', { lines, ...(token !== undefined && { token }) })
        answered.set(answer.status, (answered.get(answer.status) ?? 0) + 1)
      } catch {
        // A connection that a proxy closed: nothing got in by it, or the API would know.
        answered.set(0, (answered.get(0) ?? 0) + 1)
      }
    }
  }
  const runs = Promise.all(Array.from({ length: callers }, (_, i) => run(i)))
  return {
    answered,
    async stop() {
      over.abort()
      await runs
    },
  }
}

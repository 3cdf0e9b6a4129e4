/**
 * Work that is done for several callers in a row: for all who asked in one turn of the event loop, up to `most` at once, and only then do they go on. Dear work
 * that takes the processor's caches for itself makes whatever runs between two pieces of it slow; done so, neither slows the other.
 * Whoever asks first waits for the others of its turn, and no longer. Needs Node's `setImmediate`. What the work throws is its own caller's.
 */
export function inBatches<Input, Output>(
  work: (input: Input) => Output,
  most: number,
  setImmediate: (callback: () => void) => unknown,
): (input: Input) => Promise<Output> {
  interface Asked {
    readonly input: Input
    readonly answer: PromiseWithResolvers<Output>
  }
  let waiting: Asked[] = []

  function doAll(): void {
    const batch = waiting
    waiting = []
    // What is settled here is gone on with after the last of them.
    for (const { input, answer } of batch) {
      try {
        answer.resolve(work(input))
      } catch (error) {
        answer.reject(error)
      }
    }
  }

  return (input) => {
    const answer = Promise.withResolvers<Output>()
    waiting.push({ input, answer })
    if (waiting.length >= most) doAll()
    else if (waiting.length === 1) setImmediate(doAll)
    return answer.promise
  }
}

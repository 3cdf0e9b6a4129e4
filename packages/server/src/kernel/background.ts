import { describeError } from './faults.ts'
import type { Logger } from './log.ts'

/** Repeats work until the stack is disposed; a failure is logged and the next turn comes all the same. */
export function every(stack: AsyncDisposableStack, ms: number, logger: Logger, work: () => Promise<void>): void {
  const timer = setInterval(() => {
    work().catch((error: unknown) => {
      logger.warn({ error: describeError(error) }, 'background work failed')
    })
  }, ms)
  timer.unref()
  stack.defer(() => {
    clearInterval(timer)
  })
}

/** Does the work at the first call; every call gets that one's result. */
export function once(work: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined
  return () => (result ??= work())
}

/** Computes a value again only when what it is made from is another. */
export function memoize<From, To>(make: (from: From) => To, current: () => From): () => To {
  let from = current()
  let value = make(from)
  return () => {
    if (current() !== from) {
      from = current()
      value = make(from)
    }
    return value
  }
}

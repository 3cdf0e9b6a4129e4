import { Fault } from '../../kernel/faults.ts'

/** Time between two probes, in milliseconds. */
const probeIntervalMs = 250

/** Knows whether the database is away: then callers are told at once, and one probe at a time finds out when it is back. */
export interface Circuit {
  /** Why it is away; undefined while it is not. */
  away(): Fault | undefined
  open(fault: Fault): void
  /** Ends probing. */
  close(): void
}

/** `probe` resolves when the database answers, and rejects with why it does not. */
export function circuit(probe: () => Promise<void>, explain: (error: unknown) => Error): Circuit {
  let away: Fault | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  function probeSoon(): void {
    timer = setTimeout(() => {
      probe().then(
        () => {
          away = undefined
        },
        (error: unknown) => {
          // Said anew each time: a database that was refused the connection may by now be starting.
          away = explain(error) as Fault
          if (!isClosed) probeSoon()
        },
      )
    }, probeIntervalMs)
    timer.unref()
  }

  return {
    // A new one for each caller: errors gather the traces of those who threw them.
    away: () => away && new Fault(away.code, away.message, away.remedy, { cause: away.cause }),
    open(fault) {
      if (isClosed || away !== undefined) return
      away = fault
      probeSoon()
    },
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}

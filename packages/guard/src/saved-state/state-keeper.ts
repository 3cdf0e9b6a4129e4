import { letProcessEnd } from '../pause.ts'

/** Between news and its writing, in milliseconds: what comes together is written together. */
const debounceMs = 500

/** Without news the text is written anew this often, in milliseconds, so that it does not grow old while the issuer is heard. */
const renewalMs = 60_000

/** Share of the time that may go into writing news: a long list takes longer to write, and is then written less often. */
const maxWritingShare = 1 / 20

/** Writes state behind the requests: news within half a second as a rule, and otherwise once a minute. One writing at a time; keeps no process alive. */
export class StateKeeper {
  readonly #write: () => Promise<void>
  #timer: ReturnType<typeof setTimeout> | undefined
  #dueAtMs = Number.POSITIVE_INFINITY
  #writing: Promise<void> = Promise.resolve()
  #lastWritingMs = 0
  #closed = false

  /** `write` must not reject. */
  constructor(write: () => Promise<void>) {
    this.#write = write
  }

  /** Sees to it that the state is written: soon, or with the next renewal. */
  schedule(soon: boolean): void {
    if (this.#closed) return
    const soonMs = Math.max(debounceMs, this.#lastWritingMs / maxWritingShare)
    const dueAtMs = performance.now() + (soon ? soonMs : renewalMs)
    // The earlier one counts; a later call must not put it off for ever.
    if (dueAtMs >= this.#dueAtMs) return
    clearTimeout(this.#timer)
    this.#dueAtMs = dueAtMs
    this.#timer = setTimeout(() => void this.#writeNow(), dueAtMs - performance.now())
    letProcessEnd(this.#timer)
  }

  /** Writes what is not written yet, and nothing afterwards. */
  async close(): Promise<void> {
    if (this.#closed) return this.#writing
    this.#closed = true
    if (this.#dueAtMs === Number.POSITIVE_INFINITY) return this.#writing
    return this.#writeNow()
  }

  #writeNow(): Promise<void> {
    clearTimeout(this.#timer)
    this.#dueAtMs = Number.POSITIVE_INFINITY
    this.#writing = this.#writing.then(async () => {
      const beganAtMs = performance.now()
      await this.#write()
      this.#lastWritingMs = performance.now() - beganAtMs
    })
    return this.#writing
  }
}

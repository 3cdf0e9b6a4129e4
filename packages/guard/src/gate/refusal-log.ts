/** Takes one line of JSON, without its end. */
export type WriteLine = (line: string) => void

/** Refusals of callers that nobody knows, and of known ones: so many lines at once, and so many a second afterwards. */
const burst = 100
const linesPerSecond = 20

/** How often it is said how many lines were left out, in milliseconds. */
const summaryIntervalMs = 10_000

interface Share {
  /** What its lines are, for the one that says how many are not here. */
  readonly what: string
  left: number
  countedAtMs: number
  omitted: number
}

/**
 * One line of JSON a refusal, and a call that a policy only reports, bounded: whoever sends it must not fill the disk. Known clients, strangers and reports have a share of
 * their own each, so that none can hide in the noise of another. What was left out is counted, and said every ten seconds.
 */
export class RefusalLog {
  readonly #write: WriteLine
  readonly #now: () => number
  readonly #shares: { readonly known: Share; readonly unknown: Share; readonly reported: Share }
  readonly #timer: NodeJS.Timeout

  constructor(write: WriteLine, now: () => number) {
    this.#write = write
    this.#now = now
    const share = (what: string): Share => ({ what, left: burst, countedAtMs: now(), omitted: 0 })
    this.#shares = { known: share('refusals'), unknown: share('refusals'), reported: share('reports') }
    this.#timer = setInterval(() => this.#summarise(), summaryIntervalMs).unref()
  }

  refused(fields: Readonly<Record<string, string | number | undefined>>): void {
    const share = fields['client_id'] === undefined ? this.#shares.unknown : this.#shares.known
    if (this.#take(share)) this.#line('warn', 'refused', fields)
    else share.omitted++
  }

  reported(fields: object): void {
    const share = this.#shares.reported
    if (this.#take(share)) this.#line('info', 'request.reported', fields)
    else share.omitted++
  }

  close(): void {
    clearInterval(this.#timer)
    this.#summarise()
  }

  #take(share: Share): boolean {
    const nowMs = this.#now()
    const gained = (Math.max(nowMs - share.countedAtMs, 0) / 1000) * linesPerSecond
    share.left = Math.min(share.left + gained, burst)
    share.countedAtMs = nowMs
    if (!(share.left >= 1)) return false
    share.left -= 1
    return true
  }

  #summarise(): void {
    for (const share of Object.values(this.#shares)) {
      if (share.omitted > 0) this.#line('warn', `${share.what} left out of this log`, { count: share.omitted })
      share.omitted = 0
    }
  }

  #line(level: string, msg: string, fields: object): void {
    this.#write(JSON.stringify({ level, time: new Date(this.#now()).toISOString(), msg, ...fields }))
  }
}

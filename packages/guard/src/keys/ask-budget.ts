/** How many questions may be saved up. */
const capacity = 5

/**
 * How often strangers can make the guard ask the issuer: a token bucket of five questions that gains one in `secondsPerQuestion`. Saved-up questions
 * keep a few invented key ids from standing in the way of a new key; the rate keeps many from becoming a load for the issuer.
 */
export class AskBudget {
  readonly #secondsPerQuestion: number
  #left: number = capacity
  #countedAtMs: number | undefined

  constructor(secondsPerQuestion: number) {
    this.#secondsPerQuestion = secondsPerQuestion
  }

  /** Takes a question, if there is one at `nowMs`. A clock that was set back gains nothing and loses nothing. */
  take(nowMs: number): boolean {
    const gained = Math.max(nowMs - (this.#countedAtMs ?? nowMs), 0) / 1000 / this.#secondsPerQuestion
    this.#left = Math.min(this.#left + gained, capacity)
    this.#countedAtMs = nowMs
    // Says what must hold, so that a clock that returns NaN asks nothing.
    if (!(this.#left >= 1)) return false
    this.#left -= 1
    return true
  }
}

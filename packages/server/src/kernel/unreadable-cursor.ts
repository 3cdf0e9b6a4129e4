/** A list was asked to go on from a place that is none. The caller's mistake, not a fault: the admin API answers 400. */
export class UnreadableCursor extends Error {
  constructor() {
    super('the cursor is not one that this list gave')
    this.name = 'UnreadableCursor'
  }
}

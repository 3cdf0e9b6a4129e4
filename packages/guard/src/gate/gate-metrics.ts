/** Upper bounds of the histogram, in seconds. */
const bounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5]

/** What a gate counts, in the text format of Prometheus (0.0.4). Labels come from closed sets alone: no caller can make a series. */
export class GateMetrics {
  readonly #decisions = new Map<string, number>()
  readonly #reported = new Map<string, number>()
  readonly #buckets: number[] = bounds.map(() => 0)
  #count = 0
  #seconds = 0

  /** `reason`: that of a refusal, empty for a call that passed. */
  decided(reason: string, seconds: number): void {
    this.#decisions.set(reason, (this.#decisions.get(reason) ?? 0) + 1)
    this.#count++
    this.#seconds += seconds
    const bucket = bounds.findIndex((bound) => seconds <= bound)
    if (bucket !== -1) this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
  }

  reported(reason: string): void {
    this.#reported.set(reason, (this.#reported.get(reason) ?? 0) + 1)
  }

  /** `missing`: what is not known, so that calls are answered with 503. */
  text(missing: readonly string[]): string {
    const lines = [
      '# HELP latchkey_gate_decisions_total Calls that proxies asked about.',
      '# TYPE latchkey_gate_decisions_total counter',
      ...[...this.#decisions].map(
        ([reason, count]) =>
          `latchkey_gate_decisions_total{outcome="${reason === '' ? 'allowed' : 'refused'}",reason="${reason}"} ${count}`,
      ),
      '# HELP latchkey_gate_reported_total Calls that passed and that a policy which only reports would have refused.',
      '# TYPE latchkey_gate_reported_total counter',
      ...[...this.#reported].map(([reason, count]) => `latchkey_gate_reported_total{reason="${reason}"} ${count}`),
      '# HELP latchkey_gate_decision_seconds Time from a question to its answer.',
      '# TYPE latchkey_gate_decision_seconds histogram',
      ...this.#cumulative(),
      '# HELP latchkey_gate_known Whether what decisions need is known.',
      '# TYPE latchkey_gate_known gauge',
      ...['keys', 'revocations', 'rules'].map(
        (what) => `latchkey_gate_known{what="${what}"} ${missing.includes(what) ? 0 : 1}`,
      ),
    ]
    return `${lines.join('\n')}\n`
  }

  #cumulative(): string[] {
    let sum = 0
    const buckets = bounds.map((bound, i) => {
      sum += this.#buckets[i] ?? 0
      return `latchkey_gate_decision_seconds_bucket{le="${bound}"} ${sum}`
    })
    return [
      ...buckets,
      `latchkey_gate_decision_seconds_bucket{le="+Inf"} ${this.#count}`,
      `latchkey_gate_decision_seconds_sum ${this.#seconds}`,
      `latchkey_gate_decision_seconds_count ${this.#count}`,
    ]
  }
}

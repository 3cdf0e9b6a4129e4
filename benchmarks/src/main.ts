// `npm run bench`: the token endpoint beside a floor, in one run. Pairs are measured in turn, so that a change of the machine's speed hits both.
import { cpus } from 'node:os'
import { load, type LoadResult } from './load.ts'
import { startSubject, type Subject } from './subject.ts'

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 7)
const durationMs = Number(process.env['BENCH_MS'] ?? 3000)
const connectionCounts = [1, 16, 64]

const subjects: readonly (readonly [string, () => Promise<Subject>])[] = [
  ['bare node:http, one ES256 signature a request', () => startSubject('./bare-server.ts')],
  ['latchkey, audit log written before the answer', () => startSubject('./latchkey-server.ts', 'interval')],
  ['latchkey, audit log on disk before the answer', () => startSubject('./latchkey-server.ts', 'answer')],
]

function requestTokens(subject: Subject, connections: number, ms: number): Promise<LoadResult> {
  const form = { grant_type: 'client_credentials', client_id: subject.clientId, client_secret: subject.clientSecret }
  return load({
    port: subject.port,
    path: '/oauth2/token',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
    connections,
    durationMs: ms,
  })
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
const spread = (values: readonly number[]): string =>
  `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`)
console.log(
  `POST /oauth2/token, client_secret in the body; ${rounds} rounds of ${durationMs / 1000} s, median (least to most)`,
)
const running: (readonly [string, Subject])[] = []
for (const [name, start] of subjects) running.push([name, await start()])
for (const [, subject] of running) await requestTokens(subject, 16, durationMs)
for (const connections of connectionCounts) {
  const results = new Map<string, LoadResult[]>(running.map(([name]) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, subject] of running)
      results.get(name)?.push(await requestTokens(subject, connections, durationMs))
  }
  const floor = [...results.values()][0] ?? []
  console.log(`\n${connections} connection${connections === 1 ? '' : 's'}`)
  console.table(
    Object.fromEntries(
      [...results].map(([name, list]) => [
        name,
        {
          'tokens/s': Math.round(median(list.map((result) => result.requestsPerSecond))),
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
await Promise.all(running.map(([, subject]) => subject.stop()))

import { send } from '../testing/start-test-server.ts'

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly type: string
  readonly help: string
  readonly samples: Sample[]
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y

/** Parses the text format 0.0.4 of Prometheus; throws for whatever is not exactly as it says. */
export function parseMetrics(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line is not ended')
  const families = new Map<string, Family>()
  const seen = new Set<string>()
  let help: { name: string; text: string } | undefined
  let current: string | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (word === 'HELP') {
      if (!metricName.test(name) || families.has(name)) throw new Error(`a second family or no name: ${line}`)
      help = { name, text: rest }
    } else if (word === 'TYPE') {
      if (help?.name !== name || !['counter', 'gauge', 'histogram', 'summary'].includes(rest)) throw new Error(line)
      families.set(name, { type: rest, help: help.text, samples: [] })
      current = name
    } else {
      const sample = parseSample(line)
      const family = families.get(current ?? '')
      const key = JSON.stringify([sample.name, sample.labels])
      if (family === undefined || !belongs(sample.name, current ?? '', family.type)) throw new Error(`stray: ${line}`)
      if (seen.has(key)) throw new Error(`twice: ${line}`)
      seen.add(key)
      family.samples.push(sample)
    }
  }
  return families
}

function belongs(sample: string, family: string, type: string): boolean {
  const suffixes = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'] }[type] ?? ['']
  return suffixes.some((suffix) => sample === family + suffix)
}

function parseSample(line: string): Sample {
  const [, name, inner = '', number = ''] = sampleLine.exec(line) ?? []
  if (name === undefined) throw new Error(`no sample: ${line}`)
  const labels: Record<string, string> = {}
  labelPair.lastIndex = 0
  while (labelPair.lastIndex < inner.length) {
    const found = labelPair.exec(inner)
    if (found === null) throw new Error(`labels: ${line}`)
    const [, label = '', value = ''] = found
    if (label in labels) throw new Error(`a label twice: ${line}`)
    labels[label] = value.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))
  }
  const value = number === '+Inf' ? Infinity : Number(number)
  if (number === '' || (Number.isNaN(value) && number !== 'NaN')) throw new Error(`no number: ${line}`)
  return { name, labels, value }
}

/** Scrapes a server as Prometheus does. */
export async function scrape(adminUrl: string): Promise<Map<string, Family>> {
  const answer = await send(`${adminUrl}/metrics`)
  if (answer.status !== 200 || !String(answer.headers['content-type']).startsWith('text/plain; version=0.0.4')) {
    throw new Error(`status ${answer.status}, ${String(answer.headers['content-type'])}`)
  }
  return parseMetrics(answer.text)
}

/** The value of one sample; throws when there is none. */
export function valueOf(families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number {
  const all = [...families.values()].flatMap(({ samples }) => samples)
  const found = all.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )
  if (found === undefined) throw new Error(`no sample ${name} ${JSON.stringify(labels)}`)
  return found.value
}

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { canonicalAddress, isWithin, overlaps, readNetworks } from '@latchkey/protocol/network'
import { addressSet, readCidr } from '@latchkey/server'
import { describe, expect, test } from 'vitest'
import { isHere } from './guide-samples.ts'
import { checkout } from './latchkey-process.ts'

/* Addresses and ranges, as protocol and the server read them, held against Python's ipaddress: over the table that protocol's tests keep, and over thousands of random ones. */

/** What is asked, by kind, in our words; the other side is in ipaddress_oracle.py. */
const ours = {
  address: (text: string) => canonicalAddress(text) ?? null,
  network: (cidr: string) => isNetwork(cidr),
  contains: (cidr: string, address: string) => isWithin(readNetworks([cidr]), address),
  overlaps(one: string, other: string) {
    const [first, second] = readNetworks([one, other])
    return first !== undefined && second !== undefined && overlaps(first, second)
  },
  cidr(text: string) {
    const read = readCidr(text)
    return read.ok ? read.cidr : null
  },
  collapsed: (cidrs: readonly string[]) => addressSet(cidrs).cidrs,
  within: (cidrs: readonly string[], address: string) => addressSet(cidrs).has(canonicalAddress(address) ?? ''),
}
type Kind = keyof typeof ours
type Question = { [K in Kind]: readonly [K, ...Parameters<(typeof ours)[K]>] }[Kind]

function answer([kind, ...asked]: Question): unknown {
  return (ours[kind] as (...about: typeof asked) => unknown)(...asked)
}

const table = JSON.parse(readFileSync(path.join(checkout, 'packages/protocol/src/address-table.json'), 'utf8')) as {
  readonly addresses: readonly (readonly [text: string, canonical: string | null])[]
  readonly networks: readonly (readonly [cidr: string, isOne: boolean])[]
  readonly contains: readonly (readonly [cidr: string, address: string, held: boolean])[]
  readonly overlaps: readonly (readonly [one: string, other: string, both: boolean])[]
}

function isNetwork(cidr: string): boolean {
  try {
    return readNetworks([cidr]).length === 1
  } catch {
    return false
  }
}

/** Every question beside both answers, where they differ. */
async function differences(questions: readonly Question[]): Promise<unknown[]> {
  const child = spawn('python3', [path.join(checkout, 'e2e/src/ipaddress_oracle.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(JSON.stringify(questions))
  const theirs = JSON.parse((await child.stdout.toArray()).join('')) as unknown[]
  expect(theirs).toHaveLength(questions.length)
  return questions.flatMap((question, i) => {
    const own = answer(question)
    return isDeepStrictEqual(own, theirs[i]) ? [] : [{ question, ours: own, theirs: theirs[i] }]
  })
}

/** mulberry32: the same numbers at every run. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const next = random(20_261_128)
const pick = <T>(list: readonly T[]): T => list[next(list.length)] as T

function ipv4(): string {
  const part = () => pick([0, 1, 10, 127, 128, 192, 255, next(256), next(256)])
  return [part(), part(), part(), part()].join('.')
}

/** In one of its many spellings. */
function ipv6(): string {
  const groups = Array.from({ length: 8 }, () => pick([0, 0, 0, 0xffff, next(65_536), next(16)]))
  if (next(4) === 0) groups.fill(0, 0, 5).fill(0xffff, 5, 6)
  const width = () => pick([1, 1, 4])
  let written = groups.map((group) => group.toString(16).padStart(width(), '0'))
  const dotted = next(4) === 0
  if (dotted) written = [...written.slice(0, 6), ipv4()]
  const start = next(written.length)
  const length = groups.slice(start, dotted ? 6 : 8).findIndex((group) => group !== 0)
  if (length > 0 && next(3) > 0) {
    const [head, tail] = [written.slice(0, start), written.slice(start + length)]
    return `${head.join(':')}::${tail.join(':')}`
  }
  return next(2) === 0 ? written.join(':') : written.join(':').toUpperCase()
}

const address = (): string => (next(2) === 0 ? ipv4() : ipv6())

const symbols = ['::', ...'0123456789abcdefABCDEFgx:.%/[]+-_ '.split(''), '/0', '/32', '%eth0', '0x', '00']

/** The same with a change or two: most of them are no address any more. */
function broken(text: string): string {
  let changed = text
  for (let times = 1 + next(2); times > 0; times--) {
    const at = next(changed.length + 1)
    changed = changed.slice(0, at) + (next(3) === 0 ? '' : pick(symbols)) + changed.slice(at + next(2))
  }
  return changed
}

const prefixed = (text: string): string => (next(6) === 0 ? text : `${text}/${next(text.includes(':') ? 129 : 33)}`)

/** A range, and something near its edges. */
function rangeAndAddress(): readonly [cidr: string, address: string] {
  const cidr = prefixed(address())
  if (!isNetwork(cidr)) return rangeAndAddress()
  const inside = cidr.split('/')[0] ?? ''
  return [cidr, pick([inside, address(), broken(inside), nudged(inside)])]
}

/** With another last part. */
function nudged(text: string): string {
  return text.includes(':')
    ? text.replace(/[\da-f]*$/i, next(65_536).toString(16))
    : text.replace(/\d+$/, String(next(256)))
}

const sample = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)

describe.skipIf(!(await isHere('python3', '--version')))('Python’s ipaddress', () => {
  test('says what the table says', async () => {
    const questions: Question[] = [
      ...table.addresses.map(([text]) => ['address', text] as const),
      ...table.networks.map(([cidr]) => ['network', cidr] as const),
      ...table.contains.map(([cidr, one]) => ['contains', cidr, one] as const),
      ...table.overlaps.map(([one, other]) => ['overlaps', one, other] as const),
      ...[...table.addresses, ...table.networks].map(([text]) => ['cidr', text] as const),
    ]
    expect(questions.length).toBeGreaterThan(200)
    expect(await differences(questions)).toEqual([])
  })

  test('reads thousands of addresses alike, in every spelling and in none', async () => {
    const questions = [...sample(6000, address), ...sample(6000, () => broken(address()))].map(
      (text) => ['address', text] as const,
    )
    const good = questions.filter(([, text]) => canonicalAddress(text) !== undefined)
    expect([good.length > 6000, good.length < 11_000]).toEqual([true, true])
    expect(await differences(questions)).toEqual([])
  })

  test('reads thousands of ranges alike', async () => {
    const texts = [...sample(4000, () => prefixed(address())), ...sample(4000, () => broken(prefixed(address())))]
    expect(await differences(texts.map((text) => ['network', text] as const))).toEqual([])
    expect(await differences(texts.map((text) => ['cidr', text] as const))).toEqual([])
  })

  test('finds the same addresses in the same ranges, and the same ranges in each other', async () => {
    const questions = sample(8000, () => ['contains', ...rangeAndAddress()] as const)
    const held = questions.filter((question) => answer(question) === true).length
    expect([held > 1000, held < 7000]).toEqual([true, true])
    expect(await differences(questions)).toEqual([])
    const pairs = sample(4000, () => {
      const [one, near] = rangeAndAddress()
      const other = pick([prefixed(near), rangeAndAddress()[0]])
      return ['overlaps', one, isNetwork(other) ? other : one] as const
    })
    expect(await differences(pairs)).toEqual([])
  })

  test('makes the same of the lists of a network policy', async () => {
    const cidr = (): string => {
      const read = readCidr(prefixed(next(2) === 0 ? address() : `10.0.${next(4)}.${next(256) & 252}`))
      return read.ok ? read.cidr : cidr()
    }
    const questions = sample(1500, () => {
      const list = sample(1 + next(12), cidr)
      const [near = ''] = pick(list).split('/')
      return [['collapsed', list] as const, ['within', list, pick([near, nudged(near), address()])] as const]
    }).flat()
    const held = questions.filter((question) => question[0] === 'within' && answer(question) === true).length
    expect([held > 300, held < 1200]).toEqual([true, true])
    expect(await differences(questions)).toEqual([])
  })
})

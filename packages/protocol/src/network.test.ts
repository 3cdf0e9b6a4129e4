import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalAddress, isWithin, overlaps, readNetworks } from './network.ts'

/** Held against Python's ipaddress by `npm run test:interop`. */
const table = JSON.parse(readFileSync(new URL('address-table.json', import.meta.url), 'utf8')) as {
  readonly addresses: readonly (readonly [text: string, canonical: string | null])[]
  readonly networks: readonly (readonly [cidr: string, isOne: boolean])[]
  readonly contains: readonly (readonly [cidr: string, address: string, held: boolean])[]
  readonly overlaps: readonly (readonly [one: string, other: string, both: boolean])[]
}

describe('one spelling for each address', () => {
  test.each(table.addresses)('%j: %j', (text, canonical) => {
    expect(canonicalAddress(text) ?? null).toBe(canonical)
    if (canonical !== null) expect(canonicalAddress(canonical)).toBe(canonical)
  })

  test('whatever comes in, nothing is thrown, and what comes out stays as it is', () => {
    expect.hasAssertions()
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6(),
          fc.string(),
          fc.string({ unit: fc.constantFrom(...'0123456789abcf:.%/[] '.split('')) }),
        ),
        (text) => {
          const address = canonicalAddress(text)
          if (address !== undefined) expect(canonicalAddress(address)).toBe(address)
        },
      ),
    )
  })
})

describe('networks', () => {
  test.each(table.networks)('%j is one: %j', (cidr, isOne) => {
    if (isOne) expect(readNetworks([cidr])).toHaveLength(1)
    else expect(() => readNetworks(['10.0.0.0/8', cidr])).toThrow(new RangeError(cidr))
  })

  test.each(table.contains)('%s holds %s: %j', (cidr, address, held) => {
    expect(isWithin(readNetworks([cidr]), address)).toBe(held)
    expect(isWithin(readNetworks(['192.0.2.77', cidr, '3fff::77']), address)).toBe(held)
  })

  test.each(table.overlaps)('%s and %s have an address in common: %j', (one, other, both) => {
    const [first, second] = readNetworks([one, other])
    if (first === undefined || second === undefined) throw new Error('two')
    expect([overlaps(first, second), overlaps(second, first)]).toEqual([both, both])
  })
})

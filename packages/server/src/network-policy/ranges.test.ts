import { BlockList } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readAddress, writeAddress } from './address.ts'
import { addressSet } from './address-set.ts'
import { readCidr } from './cidr.ts'
import { cidrsOf, includesRanges, mergeRanges, rangeOf } from './ranges.ts'

/** Few bits differ, so that ranges overlap and touch. */
const ipv4 = fc.integer({ min: 0, max: 1023 }).map((n) => `10.0.${n >> 8}.${n & 255}`)
const ipv6 = fc
  .integer({ min: 0, max: 1023 })
  .map((n) => writeAddress({ family: 6, value: (0x20010db8n << 96n) | BigInt(n) }))
const address = fc.oneof(ipv4, ipv6)
const cidr = fc.tuple(address, fc.integer({ min: 0, max: 12 })).map(([text, hostBits]) => {
  const { family, value } = readAddress(text) ?? { family: 4 as const, value: 0n }
  const first = (value >> BigInt(hostBits)) << BigInt(hostBits)
  return `${writeAddress({ family, value: first })}/${(family === 4 ? 32 : 128) - hostBits}`
})

describe('sets of addresses', () => {
  it('hold what node:net says that their ranges hold, and in the fewest CIDRs', () => {
    fc.assert(
      fc.property(
        fc.array(cidr, { maxLength: 12 }),
        fc.array(address, { minLength: 1, maxLength: 30 }),
        (cidrs, asked) => {
          const set = addressSet(cidrs)
          const oracle = blockList(cidrs)
          for (const text of asked) expect([text, set.has(text)]).toEqual([text, oracle.check(text, typeOf(text))])
          // Written again they are the same, in their one spelling, and none can be left out or joined with another.
          expect(addressSet(set.cidrs)).toBe(set)
          for (const each of set.cidrs) {
            expect(readCidr(each)).toMatchObject({ cidr: each })
            const without = set.cidrs.filter((other) => other !== each)
            expect(addressSet(without)).not.toBe(set)
            expect(blockList(without).check(each.split('/')[0] ?? '', typeOf(each))).toBe(false)
          }
          expect(set.cidrs.length).toBeLessThanOrEqual(new Set(cidrs).size)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it.each<[cidrs: string[], merged: string[]]>([
    [[], []],
    [['10.0.0.0/25', '10.0.0.128/25'], ['10.0.0.0/24']],
    [
      ['10.0.0.128/25', '10.0.1.0/24'],
      ['10.0.0.128/25', '10.0.1.0/24'],
    ],
    [['0.0.0.0/1', '128.0.0.0/1'], ['0.0.0.0/0']],
    [['255.255.255.255/32', '255.255.255.254/32'], ['255.255.255.254/31']],
    [['::/1', '8000::/1'], ['::/0']],
    [
      ['2001:db8::/33', '2001:db8:8000::/33', '10.0.0.1/32'],
      ['10.0.0.1/32', '2001:db8::/32'],
    ],
    [['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'], ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128']],
    [
      ['10.0.0.1/32', '10.0.0.2/32', '10.0.0.3/32'],
      ['10.0.0.1/32', '10.0.0.2/31'],
    ],
  ])('%j are %j', (cidrs, merged) => {
    expect(addressSet(cidrs).cidrs).toEqual(merged)
  })

  it('hold nothing that is no address in its one spelling', () => {
    const set = addressSet(['0.0.0.0/1', '128.0.0.0/1', '::/1', '8000::/1'])
    for (const text of [
      '',
      'unknown',
      '10.0.0',
      '1.2.3.4.5',
      '256.0.0.1',
      '0x0a000001',
      'fe80::1%eth0',
      '::ffff:10.0.0.1',
      '[::1]',
      '10.0.0.1:80',
      ' 10.0.0.1',
    ]) {
      expect([text, set.has(text)]).toEqual([text, false])
    }
  })
})

describe('whether one list is within another', () => {
  it('is what every address of it says', () => {
    const lists = fc.array(cidr, { maxLength: 6 })
    fc.assert(
      fc.property(lists, lists, (outer, inner) => {
        const ranges = mergeRanges(outer.map((one) => rangeOf(one)))
        const isWithin = includesRanges(ranges, mergeRanges(inner.map((one) => rangeOf(one))))
        // Joined to the outer, what is within it changes nothing.
        const joined = cidrsOf(mergeRanges([...ranges, ...inner.map((one) => rangeOf(one))]))
        expect(isWithin).toBe(joined.join(' ') === cidrsOf(ranges).join(' '))
      }),
      { numRuns: 2000 },
    )
  })
})

function blockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const each of cidrs) {
    const [text = '', prefix] = each.split('/')
    list.addSubnet(text, Number(prefix), typeOf(text))
  }
  return list
}

function typeOf(text: string): 'ipv4' | 'ipv6' {
  return text.includes(':') ? 'ipv6' : 'ipv4'
}

import { canonicalAddress } from '@latchkey/protocol/network'
import { BlockList } from 'node:net'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressPrefix } from './address-prefix.ts'

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['2001:db8:0:1::', '2001:db8:0:1::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['1::', '1:0:0:0::/64'],
  ['::1:2:3:4:5', '0:0:0:1::/64'],
  ['1::3:4:5:6:7:8', '1:0:3:4::/64'],
  ['::1.2.3.4', '0:0:0:0::/64'],
  ['', ''],
])('%j → %s', (address, prefix) => {
  expect(addressPrefix(address)).toBe(prefix)
})

test('two IPv6 addresses share a prefix exactly when they share 64 bits', () => {
  const group = fc.integer({ min: 0, max: 0xffff })
  // Few different groups, and many zeros, so that both happen and `::` stands everywhere.
  const few = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0, 1) }, { weight: 1, arbitrary: group })
  const address = fc.array(few, { minLength: 8, maxLength: 8 })
  const write = (groups: number[]) => canonicalAddress(groups.map((one) => one.toString(16)).join(':')) ?? ''
  let shared = 0
  fc.assert(
    fc.property(address, address, fc.boolean(), (a, b, join) => {
      const other = join ? [...a.slice(0, 4), ...b.slice(4)] : b
      const [one, two] = [write(a), write(other)]
      if (!one.includes(':') || !two.includes(':')) return
      const network = new BlockList()
      network.addSubnet(one, 64, 'ipv6')
      const same = network.check(two, 'ipv6')
      if (same) shared++
      expect(addressPrefix(one) === addressPrefix(two)).toBe(same)
    }),
    { numRuns: 500 },
  )
  expect(shared).toBeGreaterThan(50)
})

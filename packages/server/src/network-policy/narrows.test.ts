import type { EpochMs } from '@latchkey/protocol'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { compileNetwork } from './compile-network.ts'
import { evaluateNetwork, type NetworkPlace } from './evaluate.ts'
import { narrows } from './narrows.ts'
import type { CoveredApi, NetworkPolicyId, NetworkRules } from './network-policy.ts'
import { readNetworkRules } from './read-network-rules.ts'

const now = 1_000_000 as EpochMs
const cidrs = [
  '10.0.0.0/30',
  '10.0.0.0/31',
  '10.0.0.2/31',
  '10.0.0.1/32',
  '10.0.0.4/32',
  '2001:db8::/127',
  '2001:db8::1/128',
]
const addresses = [
  '10.0.0.0',
  '10.0.0.1',
  '10.0.0.2',
  '10.0.0.3',
  '10.0.0.4',
  '10.0.0.5',
  '2001:db8::',
  '2001:db8::1',
  '',
]
const moments = [0, 1000, 2000, 3000].map((ms) => (now + ms) as EpochMs)
const places: NetworkPlace[] = [
  { kind: 'token-endpoint' },
  ...['orders', 'stock'].flatMap((name) =>
    [
      { method: 'GET', path: '/a' },
      { method: 'POST', path: '/a' },
      { method: 'GET', path: '/a/b' },
    ].map((call): NetworkPlace => ({ kind: 'api', name, call })),
  ),
]

const entry = fc.record({
  cidr: fc.constantFrom(...cidrs),
  note: fc.constant(undefined),
  endsAt: fc.option(
    fc.constantFrom(-1000, 1000, 2000).map((ms) => (now + ms) as EpochMs),
    { nil: undefined },
  ),
})
const api = fc.record({
  name: fc.constantFrom('orders', 'stock'),
  endpoints: fc.option(fc.subarray(['GET /a', 'POST /**', '* /a/*'], { minLength: 1 }), { nil: undefined }),
}) satisfies fc.Arbitrary<CoveredApi>
const rules: fc.Arbitrary<NetworkRules | undefined> = fc.option(
  fc.record({
    mode: fc.constantFrom('enforce' as const, 'enforce' as const, 'report' as const),
    allow: fc.uniqueArray(entry, { selector: ({ cidr }) => cidr, maxLength: 4 }),
    covers: fc.option(
      fc.record({
        tokenEndpoint: fc.boolean(),
        apis: fc.uniqueArray(api, { selector: ({ name }) => name, maxLength: 2 }),
      }),
      { nil: undefined },
    ),
  }),
  { nil: undefined },
)

function passesAt(from: NetworkRules | undefined): (address: string, place: NetworkPlace, moment: EpochMs) => boolean {
  const network = compileNetwork({ id: 'policy' as NetworkPolicyId, version: 1, rules: from })
  return (address, place, moment) => evaluateNetwork(network, address, place, moment) !== 'not_allowed'
}

it('what is not called narrower refuses nothing that passed before, at any place, from anywhere, now or later', () => {
  let [narrower, checked] = [0, 0]
  fc.assert(
    fc.property(rules, rules, (before, after) => {
      if (narrows(before, after, now)) {
        narrower++
        return
      }
      checked++
      const [passed, passes] = [passesAt(before), passesAt(after)]
      for (const moment of moments) {
        for (const place of places) {
          for (const address of addresses) {
            if (passed(address, place, moment)) {
              expect({ address, place, moment, passes: passes(address, place, moment) }).toMatchObject({ passes: true })
            }
          }
        }
      }
    }),
    { numRuns: 1500 },
  )
  expect(narrower).toBeGreaterThan(100)
  expect(checked).toBeGreaterThan(100)
})

it('the same rules, written otherwise, are no narrower in either direction', () => {
  fc.assert(
    fc.property(rules, (some) => {
      if (some === undefined || some.allow.length === 0) return
      const covers = some.covers ?? undefined
      if (covers?.tokenEndpoint === false && covers.apis.length === 0) return
      const read = readNetworkRules({ ...some, allow: some.allow.toReversed() })
      if (!read.ok) throw new Error(read.refusal.message)
      expect([narrows(some, read.value, now), narrows(read.value, some, now)]).toEqual([false, false])
    }),
  )
})

it('the longest list, in which each entry has an end of its own, holds up nobody', () => {
  const made = (shift: number): NetworkRules => ({
    mode: 'enforce',
    covers: undefined,
    allow: Array.from({ length: 500 }, (_, i) => ({
      cidr: `10.0.${i >> 7}.${(i & 127) * 2}/32`,
      note: undefined,
      endsAt: (now + 1000 + ((i * 7919) % 500) * 1000 + shift) as EpochMs,
    })),
  })
  const before = process.cpuUsage()
  for (let i = 0; i < 5; i++) expect(narrows(made(0), made(1), now)).toBe(false)
  // In microseconds; when each moment compared all with all, it was two million.
  const { user } = process.cpuUsage(before)
  expect(narrows(made(1), made(0), now)).toBe(true)
  expect(user).toBeLessThan(1_200_000)
})

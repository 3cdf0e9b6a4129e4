import { BlockList } from 'node:net'
import type { EpochMs } from '@latchkey/protocol'
import { expect, test } from 'vitest'
import { compileNetwork } from './compile-network.ts'
import type { CompiledNetwork } from './compiled-network.ts'
import type { NetworkPolicyId } from './network-policy.ts'

const now = 1_000_000 as EpochMs
const clientCount = 100_000
const cidrCount = 10_000

/** Pseudo-random, and the same each time. */
function* numbers(): Generator<number, never> {
  let state = 0x9e3779b9
  for (;;) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5
    yield (state ^ (state >>> 12)) >>> 0
  }
}

test('100,000 clients with 10,000 distinct CIDRs fit in memory and are answered for in microseconds, and rightly', () => {
  const random = numbers()
  const below = (limit: number): number => random.next().value % limit
  const cidrs = Array.from({ length: cidrCount }, (_, i) =>
    i % 10 === 0 ? `2001:db8:${i.toString(16)}::/48` : `10.${i >> 8}.${i & 255}.0/${24 + (i % 9)}`,
  )
  // A hosting company's list belongs to many: one in ten is its client's alone.
  const lists = Array.from({ length: cidrCount }, () =>
    Array.from({ length: 1 + below(8) }, () => cidrs[below(cidrCount)] ?? ''),
  )
  const policyOf = (i: number) => {
    const list = lists[i % 10 === 0 ? i / 10 : below(cidrCount)] ?? []
    const allow = [...new Set(list)].map((cidr) => ({ cidr, note: undefined, endsAt: undefined }))
    return { id: `p${i}` as NetworkPolicyId, version: 1, rules: { mode: 'enforce' as const, allow, covers: undefined } }
  }
  const policies = Array.from({ length: clientCount }, (_, i) => policyOf(i))
  const heapBefore = heapUsed()
  const compileBegan = performance.now()
  const compiled: CompiledNetwork[] = []
  for (const policy of policies) {
    const network = compileNetwork(policy)
    network?.phaseAt(now)
    if (network !== undefined) compiled.push(network)
  }
  const compileMs = performance.now() - compileBegan
  const heapMb = (heapUsed() - heapBefore) / 1e6
  const addresses = Array.from({ length: 1000 }, () => `10.${below(40)}.${below(256)}.${below(4)}`)
  const askBegan = performance.now()
  for (const [i, network] of compiled.entries()) network.atTokenEndpoint(addresses[i % 1000] ?? '', now)
  const askMs = performance.now() - askBegan
  expect(compiled).toHaveLength(clientCount)
  expect(new Set(compiled.map((network) => network.phaseAt(now).addresses)).size).toBeLessThanOrEqual(cidrCount)
  // Several times what was measured, for machines that do other things as well.
  expect(compileMs).toBeLessThan(30_000)
  expect(askMs).toBeLessThan(2000)
  expect(heapMb).toBeLessThan(300)
  for (let i = 0; i < clientCount; i += 997) {
    const oracle = new BlockList()
    for (const { cidr } of policies[i]?.rules.allow ?? []) {
      const [text = '', prefix] = cidr.split('/')
      oracle.addSubnet(text, Number(prefix), text.includes(':') ? 'ipv6' : 'ipv4')
    }
    for (const address of addresses.slice(0, 50)) {
      const verdict = oracle.check(address) ? 'allowed' : 'not_allowed'
      expect([address, compiled[i]?.atTokenEndpoint(address, now)]).toEqual([address, verdict])
    }
  }
})

/** After a collection where the process can be told to; otherwise an upper bound. */
function heapUsed(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
}

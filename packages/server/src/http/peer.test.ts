import type { IncomingMessage } from 'node:http'
import { canonicalAddress, readNetworks } from '@latchkey/protocol/network'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findAddress } from './peer.ts'

describe('one spelling for each address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['0000:0000:0000:0000:0000:ffff:c000:0201', '192.0.2.1'],
    ['::ffff:192.0.2.1%eth0', '192.0.2.1'],
    ['::1', '::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['::', '::'],
    ['2001:DB8::A', '2001:db8::a'],
    ['2001:0db8:0000:0000:0000:0000:0000:000a', '2001:db8::a'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['fe80::1%eth0', 'fe80::1'],
    // Not mapped: these are IPv6 addresses of their own.
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['::fffe:192.0.2.1', '::fffe:c000:201'],
  ])('%s → %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical)
    expect(canonicalAddress(canonical)).toBe(canonical)
  })

  test.each([
    '',
    ' ',
    'unknown',
    '_hidden',
    'localhost',
    'example.com',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.01',
    '0300.0.2.1',
    '3221225985',
    '0xc0000201',
    '192.0.2.1:80',
    '192.0.2.1/32',
    '192.0.2.1%eth0',
    ' 192.0.2.1',
    '192.0.2.1 ',
    '[::1]',
    '[::1]:80',
    '::1/128',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '::ffff:192.0.2.256',
    '::ffff:192.0.2',
    '::ffff:1.2.3.4.5',
    '192.0.2.1\n',
    '192.0.2.1\0',
    '%eth0',
    'fe80::1%',
    'fe80::1%eth 0',
    'fe80::1%eth0%eth1',
    '1.2.3.4, 5.6.7.8',
  ])('%j is none', (text) => {
    expect(canonicalAddress(text)).toBeUndefined()
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

function message(
  remoteAddress: string | undefined,
  forwarded?: string | string[],
  other: Record<string, string> = {},
): IncomingMessage {
  const headers = forwarded === undefined ? other : { ...other, 'x-forwarded-for': forwarded }
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage
}

describe('without a proxy', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['fe80::1%lo0', 'fe80::1'],
    [undefined, ''],
    ['nonsense', ''],
  ])('the socket’s address stands, whatever the headers say: %s', (remote, expected) => {
    const other = { forwarded: 'for=198.51.100.1', 'x-real-ip': '198.51.100.1', 'cf-connecting-ip': '198.51.100.1' }
    expect(findAddress(undefined)(message(remote, '198.51.100.1', other))).toBe(expected)
    expect(findAddress(readNetworks(['10.0.0.0/8']))(message(remote, '198.51.100.1', other))).toBe(expected)
  })
})

describe('behind proxies', () => {
  const find = findAddress(readNetworks(['10.0.0.0/8', '2001:db8:aa::/48', '192.0.2.7']))

  test.each<[what: string, remote: string, forwarded: string | string[] | undefined, expected: string]>([
    ['one hop', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['one hop over IPv6', '2001:db8:aa::1', '2001:DB8::1', '2001:db8::1'],
    ['a mapped proxy', '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['a mapped client', '10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
    ['a proxy given by its address alone', '192.0.2.7', '198.51.100.1', '198.51.100.1'],
    ['the neighbour of that proxy', '192.0.2.8', '198.51.100.1', '192.0.2.8'],
    ['a chain of proxies', '10.0.0.1', '198.51.100.1, 10.0.0.2, 2001:db8:aa::2', '198.51.100.1'],
    ['a mapped proxy in the chain', '10.0.0.1', '198.51.100.1, ::ffff:10.0.0.2', '198.51.100.1'],
    ['what the client put before its address', '10.0.0.1', '203.0.113.9, 198.51.100.1', '198.51.100.1'],
    ['a proxy that the client made up', '10.0.0.1', '203.0.113.9, 10.9.9.9, 198.51.100.1', '198.51.100.1'],
    ['nonsense before the address', '10.0.0.1', 'nonsense, 198.51.100.1', '198.51.100.1'],
    ['spaces and tabs', '10.0.0.1', '  198.51.100.1\t', '198.51.100.1'],
    ['several headers', '10.0.0.1', ['203.0.113.9', '198.51.100.1'], '198.51.100.1'],
    ['a client with a zone', '10.0.0.1', 'fe80::1%eth0', 'fe80::1'],
    ['no header', '10.0.0.1', undefined, '10.0.0.1'],
    ['an empty header', '10.0.0.1', '', '10.0.0.1'],
    ['nonsense', '10.0.0.1', 'nonsense', '10.0.0.1'],
    ['unknown', '10.0.0.1', 'unknown', '10.0.0.1'],
    ['an address with a port', '10.0.0.1', '198.51.100.1:80', '10.0.0.1'],
    ['an address in brackets', '10.0.0.1', '[2001:db8::1]', '10.0.0.1'],
    ['nonsense after the address', '10.0.0.1', '198.51.100.1, nonsense', '10.0.0.1'],
    ['nonsense between proxies', '10.0.0.1', '198.51.100.1, nonsense, 10.0.0.2', '10.0.0.1'],
    ['a comma at the end', '10.0.0.1', '198.51.100.1,', '10.0.0.1'],
    ['proxies only', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.1'],
    ['spoofed by who is no proxy', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['spoofed to be a proxy', '203.0.113.9', '10.0.0.1', '203.0.113.9'],
    ['just outside of the networks', '11.0.0.0', '198.51.100.1', '11.0.0.0'],
    ['just outside of the IPv6 network', '2001:db8:ab::', '198.51.100.1', '2001:db8:ab::'],
  ])('%s', (_, remote, forwarded, expected) => {
    expect(find(message(remote, forwarded))).toBe(expected)
  })

  test('every other header is ignored', () => {
    const other = { forwarded: 'for=203.0.113.9', 'x-real-ip': '203.0.113.9', 'true-client-ip': '203.0.113.9' }
    expect(find(message('10.0.0.1', '198.51.100.1', other))).toBe('198.51.100.1')
    expect(find(message('10.0.0.1', undefined, other))).toBe('10.0.0.1')
  })

  test('what a client writes in front never changes who it is', () => {
    fc.assert(
      fc.property(fc.string(), (spoofed) => {
        expect(find(message('10.0.0.1', `${spoofed}, 198.51.100.1`))).toBe('198.51.100.1')
      }),
    )
  })
})

describe('networks of proxies', () => {
  test.each([
    '',
    'x',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/1e1',
    '10.0.0.0/ 8',
    '2001:db8::/129',
    '10.0.0/8',
    ' 10.0.0.1',
    '10.0.0.1:80',
  ])('%j is none', (cidr) => {
    expect(() => readNetworks(['10.0.0.0/8', cidr])).toThrow(new RangeError(cidr))
  })

  test.each([
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '2001:db8::1', true],
    ['10.0.0.0/31', '10.0.0.1', true],
    ['10.0.0.0/31', '10.0.0.2', false],
    ['10.1.2.3/8', '10.255.255.255', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '11.1.2.3', false],
  ])('%s holds %s: %s', (cidr, remote, held) => {
    expect(findAddress(readNetworks([cidr]))(message(remote, '::2'))).toBe(held && cidr !== '::/0' ? '::2' : remote)
  })
})

import type { IncomingMessage } from 'node:http'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { knowPeers, type IgnoredForwarding } from './peer.ts'

/* Every spelling of the headers and of addresses is in the tests of protocol; here is what a server makes of them. */

function behind(...networks: string[]): ReturnType<typeof knowPeers> {
  return knowPeers([{ networks, addressHeader: 'x-forwarded-for' }])
}

function message(
  remoteAddress: string | undefined,
  forwarded?: string | string[],
  other: Record<string, string> = {},
): IncomingMessage {
  const lines = [forwarded ?? []].flat().map((value) => ['X-Forwarded-For', value])
  const rawHeaders = [...Object.entries(other), ...lines].flat()
  const headers = forwarded === undefined ? other : { ...other, 'x-forwarded-for': forwarded }
  return { socket: { remoteAddress }, headers, rawHeaders } as unknown as IncomingMessage
}

describe('without a proxy', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['fe80::1%lo0', 'fe80::1'],
    [undefined, 'unknown'],
    ['nonsense', 'unknown'],
  ])('the socket’s address stands, whatever the headers say: %s', (remote, expected) => {
    const other = { forwarded: 'for=198.51.100.1', 'x-real-ip': '198.51.100.1', 'cf-connecting-ip': '198.51.100.1' }
    expect(knowPeers([]).address(message(remote, '198.51.100.1', other))).toBe(expected)
    expect(behind('10.0.0.0/8').address(message(remote, '198.51.100.1', other))).toBe(expected)
  })
})

describe('behind proxies', () => {
  const peers = behind('10.0.0.0/8', '2001:db8:aa::/48', '192.0.2.7')
  const find = (request: IncomingMessage) => peers.address(request)

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
    ['no header', '10.0.0.1', undefined, 'unknown via 10.0.0.1'],
    ['an empty header', '10.0.0.1', '', 'unknown via 10.0.0.1'],
    ['nonsense', '10.0.0.1', 'nonsense', 'unknown via 10.0.0.1'],
    ['unknown', '10.0.0.1', 'unknown', 'unknown via 10.0.0.1'],
    ['an address with a port', '10.0.0.1', '198.51.100.1:80', '198.51.100.1'],
    ['an address in brackets', '10.0.0.1', '[2001:db8::1]', '2001:db8::1'],
    ['nonsense after the address', '10.0.0.1', '198.51.100.1, nonsense', 'unknown via 10.0.0.1'],
    ['nonsense between proxies', '10.0.0.1', '198.51.100.1, nonsense, 10.0.0.2', 'unknown via 10.0.0.1'],
    ['a comma at the end', '10.0.0.1', '198.51.100.1,', 'unknown via 10.0.0.1'],
    ['proxies only', '10.0.0.1', '10.0.0.3, 10.0.0.2', 'unknown via 10.0.0.1'],
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
    expect(find(message('10.0.0.1', undefined, other))).toBe('unknown via 10.0.0.1')
  })

  test('what a client writes in front never changes who it is', () => {
    fc.assert(
      fc.property(fc.string(), (spoofed) => {
        expect(find(message('10.0.0.1', `${spoofed}, 198.51.100.1`))).toBe('198.51.100.1')
      }),
    )
  })
})

describe('what is ignored, and from near', () => {
  const noted: IgnoredForwarding[] = []
  const peers = knowPeers(
    [
      { networks: ['10.0.0.1'], addressHeader: 'x-forwarded-for', certificateHeader: 'x-ssl-client-der' },
      { networks: ['10.0.0.2'], addressHeader: 'x-real-ip' },
    ],
    (ignored) => noted.push(ignored),
  )

  test.each<
    [peer: string, headers: Record<string, string>, because: IgnoredForwarding['because'] | undefined, header?: string]
  >([
    ['10.9.9.9', { 'x-forwarded-for': '198.51.100.1' }, 'no-proxy', 'x-forwarded-for'],
    ['::1', { forwarded: 'for=198.51.100.1' }, 'no-proxy', 'forwarded'],
    ['fd00::1', { 'client-cert': ':MAA=:' }, 'no-proxy', 'client-cert'],
    ['203.0.113.9', { 'x-forwarded-for': '198.51.100.1', 'client-cert': ':MAA=:' }, undefined],
    ['10.9.9.9', {}, undefined],
    ['10.0.0.1', { 'x-forwarded-for': '198.51.100.1' }, undefined],
    ['10.0.0.1', { 'x-forwarded-for': '198.51.100.1', 'x-ssl-client-der': '' }, undefined],
    ['10.0.0.1', {}, 'unreadable', 'x-forwarded-for'],
    ['10.0.0.1', { 'x-forwarded-for': 'unknown' }, 'unreadable', 'x-forwarded-for'],
    ['10.0.0.1', { 'x-forwarded-for': '198.51.100.1', 'x-ssl-client-der': 'MAA=' }, 'unreadable', 'x-ssl-client-der'],
    ['10.0.0.1', { 'x-forwarded-for': '198.51.100.1', 'client-cert': ':MAA=:' }, 'not-named', 'client-cert'],
    ['10.0.0.2', { 'x-real-ip': '198.51.100.1', 'x-ssl-client-cert': 'x' }, 'not-named', 'x-ssl-client-cert'],
    ['10.0.0.2', { 'x-forwarded-for': '198.51.100.1' }, 'unreadable', 'x-real-ip'],
  ])('%s, %j: %s %s', (peer, headers, because, header) => {
    noted.length = 0
    const request = message(peer, undefined, headers)
    peers.address(request)
    peers.certificate(request)
    expect(noted).toEqual(because === undefined ? [] : [{ peer, header, because }])
  })
})

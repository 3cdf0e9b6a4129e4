import { describe, expect, test } from 'vitest'
import { addressHeaders, type AddressHeader } from './forwarded-address.ts'
import {
  callerAddress,
  callerCertificate,
  findProxy,
  forwardingHeaders,
  rawHeaderLines,
  readProxies,
  type ProxyDeclaration,
} from './proxies.ts'

/* The raw header lines of a request → the address that it is taken to come from; `none` where nothing can be believed. */

const none = undefined
const proxy = '10.0.0.1'

function seen(addressHeader: AddressHeader, lines: readonly string[], socketAddress = proxy): string | undefined {
  const networks = ['10.0.0.0/8', '2001:db8:aa::/48', '192.0.2.7']
  const raw = lines.flatMap((value) => [addressHeader.toUpperCase(), value])
  return callerAddress(readProxies([{ networks, addressHeader }]), socketAddress, rawHeaderLines(raw))
}

const many = (count: number, one: string, separator = ', ') => Array<string>(count).fill(one).join(separator)

describe('X-Forwarded-For', () => {
  test.each<[what: string, lines: string[], address: string | undefined]>([
    ['one hop', ['198.51.100.1'], '198.51.100.1'],
    ['IPv6', ['2001:DB8:0::1'], '2001:db8::1'],
    ['IPv6 in brackets', ['[2001:db8::1]'], '2001:db8::1'],
    ['IPv6 in brackets with a port', ['[2001:db8::1]:4711'], '2001:db8::1'],
    ['a port', ['198.51.100.1:4711'], '198.51.100.1'],
    ['IPv4-mapped', ['::ffff:198.51.100.1'], '198.51.100.1'],
    ['IPv4-mapped in hexadecimal', ['::ffff:c633:6401'], '198.51.100.1'],
    ['IPv4-mapped in brackets with a port', ['[::ffff:198.51.100.1]:80'], '198.51.100.1'],
    ['a zone', ['fe80::1%eth0'], 'fe80::1'],
    ['spaces and tabs', [' \t198.51.100.1 \t'], '198.51.100.1'],
    ['what the caller wrote before it', ['203.0.113.9, 198.51.100.1'], '198.51.100.1'],
    ['nonsense before it', ['"nonsense, for=, 198.51.100.1'], '198.51.100.1'],
    ['proxies behind it', ['198.51.100.1, 10.0.0.2,2001:db8:aa::2'], '198.51.100.1'],
    ['a mapped proxy behind it', ['198.51.100.1, [::ffff:10.0.0.2]:443'], '198.51.100.1'],
    ['a line of its own', ['203.0.113.9', '198.51.100.1'], '198.51.100.1'],
    ['a line of proxies', ['203.0.113.9, 198.51.100.1', '10.0.0.2'], '198.51.100.1'],
    ['a list without end before it', [`${many(1500, '203.0.113.9')}, 198.51.100.1`], '198.51.100.1'],
    ['as many proxies as may be', [`198.51.100.1, ${many(31, '10.0.0.2')}`], '198.51.100.1'],
    ['no header', [], none],
    ['an empty line', [''], none],
    ['an empty line at the end', ['198.51.100.1', ''], none],
    ['an empty place at the end', ['198.51.100.1,'], none],
    ['an empty place between proxies', ['198.51.100.1, , 10.0.0.2'], none],
    ['proxies alone', ['10.0.0.3, 10.0.0.2'], none],
    ['proxies without end', [`198.51.100.1, ${many(40, '10.0.0.2')}`], none],
    ['unknown', ['unknown'], none],
    ['a name', ['client.example.com'], none],
    ['quotes', ['"198.51.100.1"'], none],
    ['octal', ['0306.063.0144.01'], none],
    ['a leading zero', ['198.51.100.01'], none],
    ['hexadecimal', ['0xc6336401'], none],
    ['decimal', ['3325256705'], none],
    ['a short form', ['198.51.25601'], none],
    ['a port that is none', ['198.51.100.1:http'], none],
    ['a port without address', [':4711'], none],
    ['IPv4 in brackets', ['[198.51.100.1]'], none],
    ['a bracket too few', ['[2001:db8::1'], none],
    ['text behind the brackets', ['[2001:db8::1]x'], none],
    ['a prefix', ['198.51.100.1/32'], none],
    ['a zone that is none', ['fe80::1%'], none],
    ['spaces within', ['198.51.100. 1'], none],
    ['no break space', ['\u00a0198.51.100.1'], none],
    ['spaces without end', [`198.51.100.1${' '.repeat(8000)}x`], none],
    ['a long one', [`198.51.100.1${' '.repeat(200)}`], none],
  ])('%s', (_, lines, address) => {
    expect(seen('x-forwarded-for', lines)).toBe(address)
  })
})

describe.each(['x-real-ip', 'true-client-ip', 'cf-connecting-ip'] as const)('%s', (header) => {
  test.each<[what: string, lines: string[], address: string | undefined]>([
    ['IPv4', ['198.51.100.1'], '198.51.100.1'],
    ['IPv6', ['2001:DB8::1'], '2001:db8::1'],
    ['IPv4-mapped', ['::ffff:198.51.100.1'], '198.51.100.1'],
    ['a list', ['203.0.113.9, 198.51.100.1'], none],
    ['two lines', ['198.51.100.1', '198.51.100.1'], none],
    ['a proxy’s', ['10.0.0.2'], none],
    ['none', [], none],
    ['nothing', [''], none],
    ['octal', ['0306.063.0144.01'], none],
    ['unknown', ['unknown'], none],
  ])('%s', (_, lines, address) => {
    expect(seen(header, lines)).toBe(address)
  })
})

describe('whose word counts', () => {
  test.each(addressHeaders)('%s is ignored from whoever is no proxy', (header) => {
    const value = header === 'forwarded' ? 'for=198.51.100.1' : '198.51.100.1'
    for (const stranger of ['11.0.0.0', '9.255.255.255', '2001:db8:ab::', '192.0.2.8', '192.0.2.6']) {
      expect(seen(header, [value], stranger)).toBe(stranger)
    }
    for (const believed of ['10.255.255.255', '::ffff:10.0.0.0', '2001:db8:aa:ffff::', '192.0.2.7']) {
      expect(seen(header, [value], believed)).toBe('198.51.100.1')
    }
    expect(seen(header, [value], 'nonsense')).toBeUndefined()
  })

  test.each(addressHeaders)('%s: every other header, and every other spelling of it, is ignored', (header) => {
    const proxies = readProxies([{ networks: ['10.0.0.0/8'], addressHeader: header }])
    const others = forwardingHeaders.filter((name) => name !== header)
    const spellings = [header.replaceAll('-', '_'), `x-${header}`, `${header}-x`, header.replaceAll('-', '')]
    const values = ['198.51.100.1', 'for=198.51.100.1'] as const
    for (const name of [...others, ...spellings.filter((spelling) => spelling !== header)]) {
      for (const value of values) {
        expect(callerAddress(proxies, '10.0.0.1', rawHeaderLines([name, value]))).toBeUndefined()
      }
    }
  })

  test('through two proxies that are set up alike, and never through two that are not', () => {
    const chain = (second: AddressHeader) =>
      readProxies([
        { networks: ['10.0.0.1'], addressHeader: 'x-forwarded-for' },
        { networks: ['10.0.0.2'], addressHeader: second },
      ])
    const lines = rawHeaderLines(['x-forwarded-for', '198.51.100.1, 10.0.0.2', 'x-real-ip', '203.0.113.9'])
    expect(callerAddress(chain('x-forwarded-for'), '10.0.0.1', lines)).toBe('198.51.100.1')
    expect(callerAddress(chain('x-real-ip'), '10.0.0.1', lines)).toBeUndefined()
    expect(callerAddress(chain('x-real-ip'), '10.0.0.2', lines)).toBe('203.0.113.9')
  })

  test('a certificate comes from the header of the entry alone, once', () => {
    const [told, silent] = readProxies([
      { networks: ['10.0.0.1'], addressHeader: 'x-real-ip', certificateHeader: 'x-ssl-client-der' },
      { networks: ['10.0.0.2'], addressHeader: 'x-real-ip' },
    ])
    if (told === undefined || silent === undefined) throw new Error('two entries')
    const der = Uint8Array.of(48, 0)
    const read = (...raw: string[]) => callerCertificate(told, rawHeaderLines(raw))
    expect(read('X-SSL-Client-DER', 'MAA=')).toEqual(der)
    expect(read('X-SSL-Client-DER', '"MAA="')).toEqual(der)
    for (const raw of [
      [],
      ['x-ssl-client-der', ''],
      ['x-ssl-client-der', 'MAA=', 'X-SSL-Client-DER', 'MAA='],
      ['x-ssl-client-der', 'MAA=, MAA='],
      ['x-ssl-client-der', ':MAA=:'],
      ['x-ssl-client-der', 'MAA'],
      ['x_ssl_client_der', 'MAA='],
      ['x-ssl-client_der', 'MAA='],
      ['client-cert', ':MAA=:'],
      ['x-ssl-client-cert', 'MAA='],
    ]) {
      expect(read(...raw)).toBeUndefined()
    }
    expect(callerCertificate(silent, rawHeaderLines(['x-ssl-client-der', 'MAA=']))).toBeUndefined()
  })
})

describe('declarations', () => {
  const entry = (...networks: string[]): ProxyDeclaration => ({ networks, addressHeader: 'x-forwarded-for' })

  test('entries beside each other', () => {
    const proxies = readProxies([entry('10.0.0.0/31', '10.0.0.0/32'), entry('10.0.0.2/31'), entry('::/0')])
    for (const [address, at] of [['10.0.0.1', 0] as const, ['10.0.0.3', 1] as const, ['::1', 2] as const]) {
      expect(findProxy(proxies, address)).toBe(proxies[at])
    }
    expect(findProxy(proxies, '10.0.0.4')).toBeUndefined()
  })

  test.each<[declared: ProxyDeclaration[], problem: RegExp]>([
    [[entry()], /no network/],
    [[entry('10.0.0.0/33')], /"10\.0\.0\.0\/33" is no network/],
    [[entry('10.0.0')], /"10\.0\.0" is no network/],
    [[entry('fe80::1%eth0')], /is no network/],
    [[entry('10.0.0.0/8'), entry('10.1.0.0/16')], /^10\.1\.0\.0\/16 overlaps with 10\.0\.0\.0\/8 of another entry/],
    [[entry('10.1.2.3'), entry('192.0.2.1', '0.0.0.0/0')], /0\.0\.0\.0\/0 overlaps/],
    [[entry('10.0.0.0/8'), entry('10.0.0.0/8')], /overlaps/],
    [[entry('10.0.0.0/8'), entry('::ffff:10.1.0.0/112')], /overlaps/],
    [[entry('2001:db8::/32'), entry('2001:db8:1::/128')], /overlaps/],
    [[{ ...entry('10.0.0.0/8'), addressHeader: 'x-client-ip' as AddressHeader }], /"x-client-ip" is no address header/],
    [[{ ...entry('10.0.0.0/8'), certificateHeader: 'x-cert' as 'client-cert' }], /"x-cert" is no certificate header/],
  ])('%j is refused', (declared, problem) => {
    expect(() => readProxies(declared)).toThrow(problem)
  })
})

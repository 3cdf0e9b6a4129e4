import { describe, expect, test } from 'vitest'
import { callerAddress, rawHeaderLines, readProxies } from '../proxies.ts'

/* RFC 7239: the lines of `Forwarded` that a proxy sends → the address that a request is taken to come from; `none` where nothing can be believed. */

const none = undefined

function seen(lines: readonly string[]): string | undefined {
  const networks = ['10.0.0.0/8', '2001:db8:aa::/48']
  const raw = lines.flatMap((value) => ['Forwarded', value])
  return callerAddress(readProxies([{ networks, addressHeader: 'forwarded' }]), '10.0.0.1', rawHeaderLines(raw))
}

const many = (count: number, one: string) => Array<string>(count).fill(one).join(', ')

describe('elements (§4), nodes (§6), names that say nothing (§6.2, §6.3), several proxies (§7.1)', () => {
  test.each<[what: string, lines: string[], address: string | undefined]>([
    ['§4 one hop', ['for=198.51.100.1'], '198.51.100.1'],
    ['§4 names in any case', ['For=198.51.100.1;PROTO=http;By=203.0.113.43'], '198.51.100.1'],
    ['§4 parameters in any order', ['by=10.0.0.1;for=198.51.100.1'], '198.51.100.1'],
    ['§4 spaces around what separates', ['proto=https ; for=198.51.100.1 , for=10.0.0.2'], '198.51.100.1'],
    ['§4 a quoted string', ['for="198.51.100.1"'], '198.51.100.1'],
    ['§4 an escape in it', ['for="198\\.51.100.1";proto=http'], '198.51.100.1'],
    ['§4 separators in quotes', ['host="a;for=9.9.9.9, b";for=198.51.100.1'], '198.51.100.1'],
    ['§6 IPv6', ['for="[2001:DB8:cafe::17]"'], '2001:db8:cafe::17'],
    ['§6 IPv6 and a port', ['for="[2001:db8::1]:4711"'], '2001:db8::1'],
    ['§6 a port', ['for="198.51.100.1:4711"'], '198.51.100.1'],
    ['§6.3 an invented port', ['for="198.51.100.1:_http-1"'], '198.51.100.1'],
    ['§6 IPv4-mapped', ['for="[::ffff:198.51.100.1]"'], '198.51.100.1'],
    ['§7.1 several lines', ['for=203.0.113.9', 'for=198.51.100.1'], '198.51.100.1'],
    ['§7.1 what the caller wrote before it', ['for=203.0.113.9, for=198.51.100.1'], '198.51.100.1'],
    [
      '§7.1 proxies behind it',
      ['for=198.51.100.1, for=10.0.0.2;by=10.0.0.1', 'for="[2001:db8:aa::2]"'],
      '198.51.100.1',
    ],
    ['§7.1 nonsense on an earlier line', ['for="', 'for=198.51.100.1'], '198.51.100.1'],
    ['§6.2 unknown before it', ['for=unknown, for=198.51.100.1'], '198.51.100.1'],
    ['no header', [], none],
    ['an empty line', [''], none],
    ['§4 no parameter', ['for'], none],
    ['§4 no value', ['for='], none],
    ['§4 an empty value', ['for=""'], none],
    ['§4 a parameter twice', ['for=203.0.113.9;for=198.51.100.1'], none],
    ['§4 twice in another case', ['for=198.51.100.1;FOR=203.0.113.9'], none],
    ['§4 an element without it', ['for=198.51.100.1, proto=https'], none],
    ['§4 a quote left open by the caller', ['for="203.0.113.9, for=198.51.100.1'], none],
    ['§4 one that swallows the next', ['for=203.0.113.9;x=", for="[2001:db8::1]"'], none],
    ['§4 text behind a quoted string', ['for="198.51.100.1"x'], none],
    ['§4 a space around the equals sign', ['for =198.51.100.1'], none],
    ['§4 a comma at the end', ['for=198.51.100.1,'], none],
    ['§4 IPv6 without quotes', ['for=[2001:db8::1]'], none],
    ['§6 IPv6 without brackets', ['for="2001:db8::1"'], none],
    ['§6 IPv4 in brackets', ['for="[198.51.100.1]"'], none],
    ['§6 a zone', ['for="[fe80::1%eth0]"'], none],
    ['§6.2 unknown', ['for=unknown'], none],
    ['§6.2 unknown behind it', ['for=198.51.100.1, for=unknown'], none],
    ['§6.3 an invented name', ['for=_SEVKISEK'], none],
    ['§6.3 an invented name with a port', ['for="_gazonk:80"'], none],
    ['octal', ['for=0306.063.0144.01'], none],
    ['decimal', ['for=3325256705'], none],
    ['a short form', ['for=198.51.25601'], none],
    ['as X-Forwarded-For has it', ['198.51.100.1'], none],
    ['a line without end', [`${many(900, 'for=9.9.9.9')}, for=198.51.100.1`], none],
    ['commas without end', [','.repeat(8000)], none],
    ['a quote without end', [`for="${'\\'.repeat(8000)}`], none],
  ])('%s', (_, lines, address) => {
    expect(seen(lines)).toBe(address)
  })
})

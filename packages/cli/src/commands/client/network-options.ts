import type { NetworkChange } from '@latchkey/admin-contract'
import { Option } from 'commander'
import { misuse } from '../../failure.ts'
import { listOption } from '../../option-values.ts'

/** Options about where a client may call from, as they were given. */
export interface NetworkOptions {
  readonly allowIp?: string[]
  readonly allowIpFor?: string[]
  readonly networkMode?: 'enforce' | 'report'
}

export function networkOptions(): Option[] {
  return [
    listOption('--allow-ip <CIDR>', 'where it may call from: CIDR[,note=TEXT][,until=DATE]'),
    listOption('--allow-ip-for <WHAT>', "what that is about: token, an API, 'API POST /x/**', or all"),
    new Option('--network-mode <MODE>', 'enforce, or report what would be refused').choices(['enforce', 'report']),
  ]
}

export const networkNotes =
  "Addresses count at the token endpoint and at every API alike, unless --allow-ip-for names what they are about (repeatable: token, configurations, 'configurations POST /configurations/**')."

/** As the admin API takes them; undefined when none was given, null for `--allow-ip none`. Throws a misuse that names the entry. */
export function networkChange({
  allowIp,
  allowIpFor,
  networkMode: mode,
}: NetworkOptions): NetworkChange | null | undefined {
  if (allowIp?.includes('none') === true) {
    if (allowIp.length > 1 || allowIpFor !== undefined || mode !== undefined) {
      throw misuse('--allow-ip none stands alone', 'it lets the client call from anywhere')
    }
    return null
  }
  if (allowIp === undefined && allowIpFor === undefined && mode === undefined) return undefined
  return { mode, allow: allowIp?.map((text) => readEntry(text)), covers: allowIpFor && readCoverage(allowIpFor) }
}

type Entry = NonNullable<NetworkChange['allow']>[number]

/** Only what is known begins another part: a note may hold commas. */
function readEntry(text: string): Entry {
  const [cidr = '', ...parts] = text.split(/,(?=(?:note|until)=)/)
  let entry: Entry = { cidr: cidr.trim() }
  for (const part of parts) {
    const value = part.slice(part.indexOf('=') + 1)
    entry = part.startsWith('note=') ? { ...entry, note: value } : { ...entry, ends_at: readMoment(text, value) }
  }
  return entry
}

function readMoment(entry: string, value: string): number {
  const ms = /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(ms))
    throw misuse(`--allow-ip ${entry}: ${value} is no date`, 'write it as 2027-01-31 or 2027-01-31T12:00:00Z')
  return Math.floor(ms / 1000)
}

function readCoverage(values: readonly string[]): NetworkChange['covers'] {
  if (values.includes('all')) {
    if (values.length > 1) throw misuse('--allow-ip-for all stands alone', 'leave the others out')
    return null
  }
  const endpoints = new Map<string, string[] | undefined>()
  for (const value of values.filter((one) => one !== 'token')) {
    const [name = '', ...pattern] = value.trim().split(/ +/)
    const before = endpoints.get(name)
    if (pattern.length === 0) endpoints.set(name, undefined)
    else if (before !== undefined || !endpoints.has(name)) endpoints.set(name, [...(before ?? []), pattern.join(' ')])
  }
  return {
    token_endpoint: values.includes('token'),
    apis: [...endpoints].map(([name, patterns]) => ({ name, endpoints: patterns })),
  }
}

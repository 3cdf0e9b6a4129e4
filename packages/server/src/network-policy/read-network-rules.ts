import { readEndpointPattern, type EpochMs } from '@latchkey/protocol'
import { done, refused, type Result } from '../kernel/result.ts'
import { readCidr } from './cidr.ts'
import type { AllowedAddress, CoveredApi, NetworkMode, NetworkRules } from './network-policy.ts'

/** Rules as somebody writes them. */
export interface WrittenNetworkRules {
  readonly mode: NetworkMode
  readonly allow: readonly WrittenAddress[]
  /** Undefined: everything. */
  readonly covers: WrittenCoverage | undefined
}

export interface WrittenAddress {
  readonly cidr: string
  readonly note?: string | undefined
  readonly endsAt?: EpochMs | undefined
}

export interface WrittenCoverage {
  readonly tokenEndpoint: boolean
  readonly apis: readonly { readonly name: string; readonly endpoints?: readonly string[] | undefined }[]
}

/** What is wrong, and where: a dotted path into the rules as the admin API and files spell them. */
export interface NetworkMistake {
  readonly field: string
  readonly message: string
}

/** Every address and pattern in its one spelling. Refuses with the first mistake. Does not ask whether there are such APIs. */
export function readNetworkRules(written: WrittenNetworkRules): Result<NetworkRules, NetworkMistake> {
  const allow = readAddresses(written.allow)
  if (!allow.ok) return allow
  const covers = written.covers === undefined ? done(undefined) : readCoverage(written.covers)
  if (!covers.ok) return covers
  return done({ mode: written.mode, allow: allow.value, covers: covers.value })
}

function readAddresses(written: readonly WrittenAddress[]): Result<AllowedAddress[], NetworkMistake> {
  const found = new Map<string, AllowedAddress>()
  for (const [i, { cidr: text, note, endsAt }] of written.entries()) {
    const field = `allow.${i}.cidr`
    const read = readCidr(text)
    if (!read.ok) return refused({ field, message: `${quote(text)}: ${read.problem}` })
    if (found.has(read.cidr)) return refused({ field, message: `${quote(text)}: ${read.cidr} is named already` })
    found.set(read.cidr, { cidr: read.cidr, note, endsAt: endsAt && wholeSecond(endsAt) })
  }
  return done([...found.values()].toSorted((a, b) => (a.cidr < b.cidr ? -1 : 1)))
}

function readCoverage({ tokenEndpoint, apis }: WrittenCoverage): Result<NetworkRules['covers'], NetworkMistake> {
  if (!tokenEndpoint && apis.length === 0) {
    return refused({ field: 'covers', message: 'a policy covers something: the token endpoint, or an API' })
  }
  const found = new Map<string, CoveredApi>()
  for (const [i, { name, endpoints: patterns }] of apis.entries()) {
    if (found.has(name)) return refused({ field: `covers.apis.${i}.name`, message: `${name} is named already` })
    const endpoints = patterns && readPatterns(patterns)
    if (endpoints?.ok === false) {
      const { field, message } = endpoints.refusal
      return refused({ field: `covers.apis.${i}.endpoints${field}`, message })
    }
    found.set(name, { name, endpoints: endpoints?.value })
  }
  return done({ tokenEndpoint, apis: [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)) })
}

function readPatterns(written: readonly string[]): Result<string[], NetworkMistake> {
  if (written.length === 0) return refused({ field: '', message: 'name endpoints, or leave them out to cover all' })
  const texts = new Set<string>()
  for (const [j, text] of written.entries()) {
    const read = readEndpointPattern(text)
    if (!read.ok) return refused({ field: `.${j}`, message: `${quote(text)}: ${read.problem}` })
    texts.add(read.pattern.text)
  }
  return done([...texts].toSorted())
}

/** Rounds down: what has ended within a second is not allowed for the rest of it. */
function wholeSecond(at: EpochMs): EpochMs {
  return (Math.floor(at / 1000) * 1000) as EpochMs
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 60))
}

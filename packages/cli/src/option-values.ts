import { InvalidArgumentError, Option } from 'commander'

/** A repeatable option. Each value may hold several, separated by spaces, as in a `scope` parameter. */
export function scopesOption(flags: string, summary: string): Option {
  return new Option(flags, `${summary} (repeatable)`).argParser((value: string, before: string[] | undefined) => [
    ...(before ?? []),
    ...value.split(' ').filter((scope) => scope !== ''),
  ])
}

/** A repeatable option whose values are taken as they are. */
export function listOption(flags: string, summary: string): Option {
  return new Option(flags, `${summary} (repeatable)`).argParser((value: string, before: string[] | undefined) => [
    ...(before ?? []),
    value,
  ])
}

export interface NamedScope {
  readonly name: string
  readonly description: string
}

/** `NAME` or `NAME=DESCRIPTION`, repeatable. */
export function namedScopesOption(flags: string, summary: string): Option {
  return new Option(flags, `${summary} (repeatable)`).argParser((value: string, before: NamedScope[] | undefined) => {
    const [name = '', ...rest] = value.split('=')
    return [...(before ?? []), { name, description: rest.join('=') }]
  })
}

export function secondsOption(flags: string, summary: string): Option {
  return new Option(flags, summary).argParser(wholeNumber)
}

export function countOption(flags: string, summary: string): Option {
  return new Option(flags, summary).argParser(wholeNumber)
}

/** A number of seconds, or `none` to take a limit away. Commander would turn a null of ours into an empty text. */
export type SecondsOrNone = number | 'none'

export function secondsOrNoneOption(flags: string, summary: string): Option {
  return new Option(flags, summary).argParser((value: string) => (value === 'none' ? value : wholeNumber(value)))
}

/** As the admin API takes it: null takes the limit away, undefined leaves it. */
export function orNull(value: SecondsOrNone | undefined): number | null | undefined {
  return value === 'none' ? null : value
}

export interface RevisionOptions {
  readonly revision?: number
}

/** Guards against changing what somebody else has changed meanwhile. */
export function revisionOption(): Option {
  return new Option('--revision <N>', 'only if this is still its revision, as `show --json` gives it').argParser(
    wholeNumber,
  )
}

export interface PageOptions {
  readonly limit?: number
  readonly cursor?: string
}

export function pageOptions(): Option[] {
  return [
    new Option('--limit <N>', 'items on the page, 1 to 1000 (100)').argParser(wholeNumber),
    new Option('--cursor <CURSOR>', 'where the previous page ended'),
  ]
}

/** Says how to go on when there is more. */
export function moreHint(nextCursor: string | undefined): string {
  return nextCursor === undefined ? '' : `\nThere is more: --cursor ${nextCursor}\n`
}

/** Seconds since 1970, from themselves or from a moment of ISO 8601. */
export function momentOption(flags: string, summary: string): Option {
  return new Option(flags, summary).argParser((value: string) => {
    if (/^\d+$/.test(value)) return Number(value)
    const ms = /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN
    if (Number.isNaN(ms))
      throw new InvalidArgumentError('Expected a moment such as 2026-11-23T10:00:00Z, or seconds since 1970.')
    return Math.floor(ms / 1000)
  })
}

function wholeNumber(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(value)
}

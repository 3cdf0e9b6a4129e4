import { moment, record } from '../../output/layout.ts'
import { printable } from '../../output/printable.ts'

/** What a delivery link's maker is told, once. */
export interface HandedOutLink {
  readonly delivery_link: string
  readonly code?: string | undefined
  readonly expires_at: number
  readonly mailed_to?: string | undefined
}

/** The link, how long it lives, and what to do with it. */
export function handedOutText({ delivery_link: link, code, expires_at: until, mailed_to: to }: HandedOutLink): string {
  const facts = record([
    ['delivery link', link],
    ['code', code],
    ['lives until', moment(until)],
    ['mailed to', to],
  ])
  const handing =
    to === undefined
      ? 'Hand the link to its owner; whoever opens it first is shown the credential, once. It is not shown here again.'
      : `The link is on its way to ${printable(to)}; whoever opens it first is shown the credential, once.`
  const coded = code === undefined ? '' : '\nThe code goes by another channel than the link: by telephone, for example.'
  return `${facts}\n${handing}${coded}\n`
}

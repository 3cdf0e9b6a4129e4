import type { AccessRequestStatus } from '@latchkey/portal-contract'

interface Explanation {
  readonly heading: string
  readonly lead: string
}

/** Where a request stands, in words, and what comes next. */
export function explain({ state, delivery }: AccessRequestStatus): Explanation {
  switch (state) {
    case 'unconfirmed':
      return {
        heading: 'One step is missing',
        lead: 'Nobody has seen your request yet: confirm that this address is yours.',
      }
    case 'submitted':
      return {
        heading: 'The team has your request',
        lead: 'You get a mail when it is decided, or when there is a question. Nothing is to be done.',
      }
    case 'changes_requested':
      return { heading: 'The team has a question', lead: 'Answer it below, change what you ask for, or both.' }
    case 'approved':
      return { heading: 'Approved', lead: next(delivery) }
    case 'partly_approved':
      return { heading: 'Approved in part', lead: next(delivery) }
    case 'rejected':
      return {
        heading: 'Not approved',
        lead: 'The team has decided against it. You may ask again when things have changed.',
      }
    case 'withdrawn':
      return { heading: 'Withdrawn', lead: 'You took the request back. Nothing came of it.' }
    default:
      return { heading: 'Expired', lead: 'Nothing happened for 30 days, so the request was closed. You may ask again.' }
  }
}

function next(delivery: AccessRequestStatus['delivery']): string {
  return delivery === undefined
    ? 'The client that you have gets the scopes with its next token. Nothing is to be done.'
    : 'The credential comes by a link in a mail of its own. It works once, so open it where you can keep the secret.'
}

const deliveries: Readonly<Record<NonNullable<AccessRequestStatus['delivery']>, string>> = {
  open: 'The link to the credential was sent: open it from your mail',
  claimed: 'The credential was shown, and not confirmed yet',
  delivered: 'The credential was delivered',
  undelivered: 'The credential did not arrive and was revoked: ask the team for a new link',
  disowned: 'Somebody said that the claim was not theirs; the credential was revoked: ask the team for a new link',
  revoked: 'The link was revoked: ask the team for a new one',
  expired: 'The link has expired: ask the team for a new one',
  locked: 'The link is dead after five wrong codes: ask the team for a new one',
}

export function explainDelivery(delivery: NonNullable<AccessRequestStatus['delivery']>): string {
  return deliveries[delivery]
}

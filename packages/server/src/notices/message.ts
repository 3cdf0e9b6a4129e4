import type { EpochMs } from '@latchkey/protocol'
import type { LinkWords, Notice, RequestWords } from './notice.ts'
import type { Draft, Reader } from './draft.ts'
import { endingDraft } from './ending-draft.ts'
import { oneLine, quoted } from './quote.ts'

/** A message for a person, in plain text. */
export interface Message {
  /** One line. */
  readonly subject: string
  readonly text: string
}

/** Writes a notice as a mail. Pure. `issuer` names the server in it. */
export function writeMessage(notice: Notice, reader: Reader, issuer: string): Message {
  const host = new URL(issuer).host
  const { subject, lines } = compose(notice, reader, issuer)
  return {
    subject: `${subject} (${host})`,
    text: `${lines.join('\n')}\n\n-- \nSent by ${issuer}, which asks for no secret by mail and reads no answers here.\n`,
  }
}

function compose(notice: Notice, reader: Reader, issuer: string): Draft {
  switch (notice.kind) {
    case 'request.confirm_address': {
      const { words, secret } = notice
      return {
        subject: 'Confirm your address to ask for access',
        lines: [
          `Somebody, we hope you, asked ${issuer} for access:`,
          ...facts(words),
          '',
          'Open this page within 24 hours and press "Confirm". Only then does the request reach the team:',
          secret.statusLink,
          '',
          'It is also where you see how far the request is. Keep the link to yourself: it opens the request.',
          'Was it not you? Do nothing: the request is forgotten after 24 hours.',
        ],
      }
    }
    case 'request.submitted': {
      const { words } = notice
      return {
        subject: `Access request of ${oneLine(words.organisation, 60)}`,
        lines: [
          'A request for access waits for a decision:',
          ...facts(words),
          `  Address       ${words.contactAddress} (confirmed)`,
          ...words.scopes.map((scope) => `  Scope         ${scope}`),
          '',
          `Look at it and decide:  latchkey request show ${words.requestId}`,
        ],
      }
    }
    case 'request.amended':
      return {
        subject: `Access request of ${oneLine(notice.words.organisation, 60)} was changed or answered`,
        lines: [
          'The requester answered, or changed what is asked for:',
          ...facts(notice.words),
          `  Address       ${notice.words.contactAddress} (confirmed)`,
          '',
          `An approval of what it was before is refused. See it:  latchkey request show ${notice.words.requestId}`,
        ],
      }
    case 'request.withdrawn':
      return {
        subject: `Access request of ${oneLine(notice.words.organisation, 60)} was withdrawn`,
        lines: ['The requester took it back; nothing is to be done:', ...facts(notice.words)],
      }
    case 'request.changes_requested':
      return {
        subject: 'Your request for access: a question',
        lines: [
          'The team has looked at your request and asks:',
          '',
          quoted(notice.words.message),
          '',
          'Answer, or change your request, on its page:',
          notice.secret.statusLink,
          '',
          ...facts(notice.words),
        ],
      }
    case 'request.approved': {
      const { words, secret } = notice
      return {
        subject:
          words.refused.length === 0
            ? 'Your request for access is approved'
            : 'Your request for access is approved in part',
        lines: [
          'The team has approved:',
          ...words.approved.map(
            ({ scope, endsAt }) => `  ${scope}${endsAt === undefined ? '' : `  until ${moment(endsAt)}`}`,
          ),
          ...(words.refused.length === 0
            ? []
            : ['', 'It has not approved:', ...words.refused.map((scope) => `  ${scope}`)]),
          ...(words.reason === undefined ? [] : ['', 'It says:', quoted(words.reason)]),
          '',
          `client_id  ${words.clientId}`,
          'A new client gets its credential by a link in a message of its own.',
          '',
          'The page of your request:',
          secret.statusLink,
          '',
          ...facts(words),
          '',
          `How to get a token and call the API: ${issuer}/docs`,
        ],
      }
    }
    case 'request.rejected':
      return {
        subject: 'Your request for access is not approved',
        lines: [
          'The team has not approved your request. It says:',
          '',
          quoted(notice.words.reason),
          '',
          'The page of your request:',
          notice.secret.statusLink,
          '',
          ...facts(notice.words),
        ],
      }
    case 'request.expired':
      return {
        subject: 'A request for access has expired',
        lines: [
          'Nobody decided it, or answered, for 30 days, so it is closed:',
          ...facts(notice.words),
          '',
          reader === 'contact' ? `You may ask again: ${issuer}/access-requests` : 'Nothing is to be done.',
        ],
      }
    case 'link.ready':
      return {
        subject: 'Your credential is ready',
        lines: [
          `The credential of "${oneLine(notice.words.clientName)}" waits for you:`,
          notice.secret.deliveryLink,
          '',
          `It can be shown once, until ${moment(notice.words.expiresAt)}. Before you open it, know where it shall be kept: a secret manager, an environment`,
          'variable or a file of its own, never source code. Opening the page shows nothing yet; a button does.',
          ...(notice.words.needsCode ? ['', 'The page asks for a code, which reaches you by another way.'] : []),
          '',
          'Without showing it to anybody:  npx --package @latchkey/client latchkey-client claim LINK --to env:FILE',
          '',
          `client_id  ${notice.words.clientId}`,
        ],
      }
    case 'link.claimed':
      return {
        subject: `The credential of ${oneLine(notice.words.clientName, 60)} was shown`,
        lines: [
          `At ${moment(notice.words.claimedAt)} somebody opened the delivery link and was shown the credential.`,
          ...linkFacts(notice.words),
          '',
          reader === 'contact'
            ? `Was it not you? Open the link again and press "That was not me", before ${moment(notice.words.disownUntil)}: it ends the credential at once.`
            : `If nobody of theirs did, revoke what it delivered:  latchkey link list --client ${notice.words.clientId}`,
        ],
      }
    case 'link.undelivered':
      return {
        subject: `The credential of ${oneLine(notice.words.clientName, 60)} did not arrive`,
        lines: [
          'It was shown, but nobody confirmed or used it within 15 minutes, so it was revoked.',
          ...linkFacts(notice.words),
          '',
          reader === 'contact'
            ? 'Ask the team for a new link.'
            : `A new link:  latchkey link create ${notice.words.clientId}`,
        ],
      }
    case 'link.disowned':
      return {
        subject: `"That was not me": the credential of ${oneLine(notice.words.clientName, 60)}`,
        lines: [
          `Somebody with the delivery link says that the claim of ${moment(notice.words.claimedAt)} was not theirs.`,
          notice.words.revoked
            ? 'The credential, and every one that was rotated or renewed from it, is revoked; tokens of it are refused everywhere.'
            : 'The claim is more than seven days old, so NOTHING was revoked: decide whether to.',
          ...linkFacts(notice.words),
          '',
          reader === 'contact'
            ? 'Ask the team for a new link.'
            : `What it was used for:  latchkey audit list --client ${notice.words.clientId}`,
        ],
      }
    case 'link.locked':
      return {
        subject: `A delivery link of ${oneLine(notice.words.clientName, 60)} is locked`,
        lines: [
          'Somebody with the link entered five wrong codes, so the link is dead. No credential was made.',
          ...linkFacts(notice.words),
          '',
          `A new link:  latchkey link create ${notice.words.clientId}`,
        ],
      }
    case 'ending.near':
      return endingDraft(notice.words, reader, issuer)
    case 'network.address_refused': {
      const { clientId, clientName, address, requestId, count } = notice.words
      const from = address === '' ? 'an address that could not be read' : address
      return {
        subject: `${oneLine(clientName, 60)} called from ${from}, where it may not`,
        lines: [
          'Somebody has a right credential of this client and came from an address that its network policy does not allow. Nothing was given out.',
          'Either the partner calls from a new place, or somebody else has the credential.',
          `  Client        ${oneLine(clientName)}`,
          `  client_id     ${clientId}`,
          `  Address       ${from}${count === 1 ? '' : ` (${count} refusals)`}`,
          `  Request       ${requestId}`,
          '',
          `What it did lately:  latchkey audit list --client ${clientId}`,
          `If the credential leaked:  latchkey client disable ${clientId}`,
          `If the place is right:     latchkey client update ${clientId} --allow-ip …  (it replaces the list)`,
          '',
          'Of further ones you hear in an hour at the earliest.',
        ],
      }
    }
    default:
      return notice satisfies never
  }
}

function facts({ requestId, organisation, applicationName }: RequestWords): string[] {
  return [
    `  Organisation  ${oneLine(organisation)}`,
    `  Application   ${oneLine(applicationName)}`,
    `  Request       ${requestId}`,
  ]
}

function linkFacts({ linkId, clientId, clientName }: LinkWords): string[] {
  return [`  Client        ${oneLine(clientName)}`, `  client_id     ${clientId}`, `  Link          ${linkId}`]
}

/** For a person: minutes, in UTC. */
function moment(at: EpochMs): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

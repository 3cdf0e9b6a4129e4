import type { KeyRefusal } from '../../delivery-links/claim-key.ts'
import type { LinkRefusal } from '../../delivery-links/refusal.ts'

/** What somebody with a link should know and do, for each refusal. The first says no more to one who found half a link. */
export const refusalTexts: Readonly<Record<LinkRefusal | KeyRefusal['reason'], string>> = {
  'link.unknown': 'the link is not known here: check that it was copied whole, with everything behind the #',
  'link.expired': 'nobody claimed it in time: ask the team for a new link',
  'link.revoked': 'the team revoked it, or made a newer one: look for a later message, or ask for a new link',
  'link.claimed': 'somebody was shown the credential already; if that was not you, say so on the page of the link',
  'link.undelivered': 'it was shown, but nobody confirmed or used it within 15 minutes: ask the team for a new link',
  'link.disowned': 'somebody with this link said that the claim was not theirs: ask the team for a new link',
  'link.code_needed': 'enter the code that the team gave you by another channel',
  'link.code_wrong': 'compare it with what the team gave you; after five wrong codes the link is dead',
  'link.locked': 'five wrong codes were entered: ask the team for a new link',
  'link.client_unavailable': 'the client is disabled: ask the team',
  'link.receipt_wrong': 'only the page or program that was shown the credential can confirm it',
  'link.key_needed':
    'send `csr`, a certificate signing request, or `make_key`; for a client that brings its own certificate, `certificate`',
  'link.key_unwanted': 'claim it without `csr`, `make_key` and `certificate`, or with the one that `needs_key` names',
  'link.key_unsuitable': 'make another key and signing request',
  'link.not_claimed': 'nobody was shown the credential yet',
}

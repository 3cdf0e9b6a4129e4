/** Why a change was not made: the closed set that the admin API answers with. Texts stand in `docs/errors.md`. */
export const changeRefusals = {
  'client.unknown': 'There is no such client.',
  'client.is_resource_server':
    "The client_id is a resource server's credential; manage it through its resource server.",
  'client.disabled': 'The client is disabled.',
  'client.takes_no_secret': 'The client authenticates by certificate alone.',
  'client.takes_no_own_certificate': 'The client authenticates by a certificate that this server issues.',
  'client.takes_no_foreign_certificate': 'The client authenticates by a certificate that it made itself.',
  'client.has_another_subject': 'The client is registered under another name, and a client has one.',
  'client.reserved': 'The client_id is the name of something else in the audit log.',
  'credential.unknown': 'There is no such credential.',
  'credential.not_a_secret': 'The credential is not a secret.',
  'link.unknown': 'There is no such delivery link.',
  'link.delivered': 'The link has delivered its credential.',
  'request.unknown': 'There is no such access request.',
  'request.decided': 'The access request is not open any more.',
  'request.expired': 'The access request has expired.',
  'request.not_an_approver': 'The caller may not approve this request.',
  'request.authentication_unavailable': 'The client cannot prove who it is in that way.',
  'request.addresses_undecided':
    'The request names source addresses and a client that there is, and nothing was said about them.',
  'invitation.unknown': 'There is no such invitation.',
  'authority.unsuitable': 'The certificate or its key cannot be the authority of clients.',
  'authority.not_requested': 'No request waits for the certificate of an authority.',
  'authority.not_ours': 'The authority cannot be renewed here.',
  'certificate.unknown': 'There is no such certificate.',
  'certificate.ended': 'The certificate has been revoked, or has expired.',
  'certificate.too_early': 'The certificate is not in the last third of its life.',
  'certificate.renewed': 'The certificate was renewed: that one is in use, or ten were made and none ever used.',
  'certificate.unsuitable': 'The certificate cannot be registered.',
  'certificate.csr_invalid': 'The certificate signing request cannot be taken.',
  'subject.invalid': 'No certificate can have the name.',
  'resource_server.unknown': 'There is no such resource server.',
  'resource_server.name_taken': 'Another resource server has this name.',
  'resource_server.audience_taken': 'Another resource server has this audience.',
  'resource_server.in_use': 'Clients hold scopes of the resource server.',
  'resource_server.reserved': 'The name is reserved for Latchkey itself.',
  'rule.invalid': 'An endpoint rule cannot be taken.',
  'scope.unknown': 'There is no such scope.',
  'scope.in_use': 'Clients hold the scope.',
  'network.invalid': 'An address or endpoint of the network policy cannot be taken.',
  'network.no_policy': 'The client has no network policy.',
  'declaration.impossible': 'The document cannot be applied to what is there.',
  'declaration.stale': 'What is there has changed since the plan was made.',
  'key.unknown': 'There is no such signing key.',
  'token.not_ours': 'The token was not issued here, or its signature is wrong.',
  'token.expired': 'The token has expired.',
  'token.denied': 'A request with these parameters would be refused.',
  'revision.stale': 'It was changed since it was read.',
  'access.beyond_own': 'The caller would hand on, or get at, admin scopes that its own token does not have.',
} as const

export type ChangeRefusalReason = keyof typeof changeRefusals

/** An expected refusal of a change. `message` is for the administrator and names what it is about. */
export interface ChangeRefusal {
  readonly reason: ChangeRefusalReason
  readonly message: string
  /** The input field that it is about, where there is one. */
  readonly field?: string | undefined
  /** Of `revision.stale`: the revision that there is now. */
  readonly revision?: number | undefined
}

export function refuseChange(
  reason: ChangeRefusalReason,
  message: string,
  field?: string,
): { readonly ok: false; readonly refusal: ChangeRefusal } {
  return { ok: false, refusal: { reason, message, field } }
}

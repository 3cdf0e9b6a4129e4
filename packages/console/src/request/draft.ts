import type { AccessRequestForm, AuthenticationMethod } from '@latchkey/portal-contract'

/** The form while it is written. */
export interface Draft {
  readonly organisation: string
  readonly contact_name: string
  readonly contact_address: string
  readonly application_name: string
  readonly application_kind: AccessRequestForm['application_kind']
  /** Why, by scope; a scope that is chosen is there, also with nothing written. */
  readonly scopes: Readonly<Record<string, string>>
  readonly purpose: string
  readonly environment: string
  /** One address or CIDR a line. */
  readonly source_addresses: string
  readonly client_id: string
  readonly authentication: AuthenticationMethod
  readonly csr: string
  readonly certificate: string
}

const empty: Draft = {
  organisation: '',
  contact_name: '',
  contact_address: '',
  application_name: '',
  application_kind: 'service',
  scopes: {},
  purpose: '',
  environment: 'production',
  source_addresses: '',
  client_id: '',
  authentication: 'secret',
  csr: '',
  certificate: '',
}

const place = 'latchkey.request.draft'

/** What was written in this tab before, so that a reload loses nothing. It holds no secret, and ends with the tab. */
export function readDraft(): Draft {
  try {
    const kept = JSON.parse(sessionStorage.getItem(place) ?? '{}') as Partial<Draft>
    return { ...empty, ...kept }
  } catch {
    return empty
  }
}

export function keepDraft(draft: Draft): void {
  try {
    sessionStorage.setItem(place, JSON.stringify(draft))
  } catch {
    // A browser that keeps nothing for pages: then a reload loses it.
  }
}

export function forgetDraft(): void {
  try {
    sessionStorage.removeItem(place)
  } catch {
    // Nothing was kept.
  }
}

export function addressesOf(draft: Draft): string[] {
  return draft.source_addresses
    .split(/[\n,;]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** As the server takes it. */
export function formOf(draft: Draft): AccessRequestForm {
  const { scopes, client_id: clientId, source_addresses: _lines, csr, certificate, ...rest } = draft
  const isNew = clientId.trim() === ''
  const authentication = isNew ? rest.authentication : 'secret'
  return {
    ...rest,
    contact_address: rest.contact_address.trim(),
    ...(isNew ? {} : { client_id: clientId.trim() }),
    scopes: Object.entries(scopes).map(([scope, why]) => (why.trim() === '' ? { scope } : { scope, why })),
    source_addresses: addressesOf(draft),
    authentication,
    ...(takesCsr(authentication) && csr.trim() !== '' ? { csr: csr.trim() } : {}),
    ...(authentication === 'self-signed-mtls' && certificate.trim() !== '' ? { certificate: certificate.trim() } : {}),
  }
}

/** Whether a certificate of this server belongs to it. */
export function takesCsr(authentication: AuthenticationMethod): boolean {
  return authentication === 'mtls' || authentication === 'secret-and-certificate'
}

/** A form as it was sent, for changing it. */
export function draftOf(form: AccessRequestForm): Draft {
  return {
    ...form,
    client_id: form.client_id ?? '',
    csr: form.csr ?? '',
    certificate: form.certificate ?? '',
    scopes: Object.fromEntries(form.scopes.map(({ scope, why }) => [scope, why ?? ''])),
    source_addresses: form.source_addresses.join('\n'),
  }
}
